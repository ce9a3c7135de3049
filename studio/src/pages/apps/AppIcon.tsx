import { cx } from "@/ui/classes";

const SIZES = { small: "size-8 rounded-md text-lg", normal: "size-10 rounded-lg text-xl", large: "size-14 rounded-xl text-[1.75rem]" } as const;

interface AppIconProps {
  icon: string;
  background: string;
  size?: keyof typeof SIZES;
}

/** An app's emoji on its colour; the name beside it says the same. */
export function AppIcon({ icon, background, size = "normal" }: AppIconProps) {
  return (
    <span
      aria-hidden
      className={cx("inline-flex shrink-0 items-center justify-center leading-none select-none", SIZES[size])}
      style={{ background }}
    >
      {icon}
    </span>
  );
}
