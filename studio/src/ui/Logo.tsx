export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden className="shrink-0">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path
        d="M8 9v9a5 5 0 0 0 5 5h3M13 9v6a3 3 0 0 0 3 3h8"
        fill="none"
        stroke="var(--on-accent)"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="24" cy="23" r="2" fill="var(--on-accent)" opacity="0.65" />
    </svg>
  );
}
