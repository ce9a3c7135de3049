/** The words of a form by its link; which rooms they are of stands in the build's configuration. */

import { speak } from "@/i18n";
import en from "@/i18n/en.json?only=form";
import ko from "@/i18n/ko.json?only=form";

speak({ en, ko });
