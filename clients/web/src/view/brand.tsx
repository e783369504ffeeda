import type { ComponentChildren } from "preact";

/** The name, and at its right whatever the page has to say in two words. */
export function Brand({ children }: { children?: ComponentChildren }) {
  return (
    <div class="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M5 13c4-4 8 2 12.500-1 2.500-1.700 2-4.700-.6-4.700M5 19.500c5.500-4 11.500 3 17.500-1 3-2 2-6.200-1.200-6.200" />
      </svg>
      <span>SecondWind</span>
      {children}
    </div>
  );
}
