import { effect } from "@preact/signals";
import { render } from "preact";
import { verification, verify } from "./verification.ts";
import { VerifyPage } from "./view/verify.tsx";

effect(() => {
  document.body.dataset["verdict"] = verification.value.verdict;
});
render(<VerifyPage />, document.getElementById("app") as HTMLElement);
void verify();
