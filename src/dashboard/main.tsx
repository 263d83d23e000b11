import { render } from "preact";
import { App } from "./shell/app.tsx";
import { applyTheme } from "./shell/preferences.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no place for the dashboard");
applyTheme();
render(<App />, root);
