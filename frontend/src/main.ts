import { restoreTheme } from "./theme";
import "./components/sp-app";

restoreTheme();
