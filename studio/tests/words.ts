/** All words at once, for tests of what says them. */

import { i18n } from "@/i18n";
import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";

i18n.addResourceBundle("en", "translation", en);
i18n.addResourceBundle("ko", "translation", ko);
