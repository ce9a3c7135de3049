/** The words of the public page; which rooms they are of stands in the build's configuration. */

import { speak } from "@/i18n";
import en from "@/i18n/en.json?only=page";
import ko from "@/i18n/ko.json?only=page";

speak({ en, ko });
