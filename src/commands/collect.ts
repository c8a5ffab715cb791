/** Every value of a flag that can be given more than once, as commander wants it read. */
export const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value]
