/** All words, for Studio. */

import { speak } from "@/i18n";
import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";

speak({ en, ko });
