/** Progressive enhancement for every page, by data attributes; each piece lives in its own module. */
import { enhanceCopy } from "./copy.js";
import { enhanceDialogs } from "./dialogs.js";
import { enhanceForms } from "./forms.js";
import { enhanceMenus } from "./menus.js";
import { enhanceNav } from "./nav.js";
import { enhancePrivacy } from "./privacy-toggle.js";
import { enhanceThemeToggle } from "./theme-toggle.js";
import { enhanceThumbnails } from "./thumbnails.js";

enhanceCopy(document);
enhanceDialogs(document);
enhanceForms(document);
enhanceMenus(document);
enhanceNav(document);
enhancePrivacy(document);
enhanceThemeToggle(document);
enhanceThumbnails(document);
