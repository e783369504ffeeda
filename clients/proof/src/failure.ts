/** Something does not prove what it claims. `code` is one of the failure codes that every verifier shares (SPEC 13). */
export class ProofFailure extends Error {
  constructor(
    readonly code: string,
    sentence: string,
    readonly position?: number,
  ) {
    super(sentence);
    this.name = "ProofFailure";
  }
}
