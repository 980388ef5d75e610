import { restoreTheme } from "./theme";
import "./pages/sp-app";

restoreTheme();
