import { effect } from "@preact/signals";
import { render } from "preact";
import { begin } from "./session.ts";
import { verdict } from "./state.ts";
import { Page } from "./view/page.tsx";

effect(() => {
  document.body.dataset["verdict"] = verdict.value;
});
render(<Page />, document.getElementById("app") as HTMLElement);
void begin();
