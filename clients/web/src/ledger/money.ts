/** Amounts as people read them: minor units and an asset such as `USD/2`. Pure, and without floats. */
export function formatAmount(minor: bigint, asset: string): string {
  const [code = asset, places = "0"] = asset.split("/");
  const digits = Number(places);
  const sign = minor < 0n ? "−" : "";
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  const number = digits > 0 ? `${whole}.${text.slice(-digits)}` : whole;
  return code === "USD" ? `${sign}$${number}` : `${sign}${number} ${code}`;
}
