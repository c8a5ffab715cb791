/** kubectl's table: upper-case headers, three spaces between columns, nothing else. Columns no row fills are left out. */
export const table = (headers: readonly string[], rows: readonly (readonly string[])[]): string => {
  const used = headers.flatMap((_, column) => (rows.some((row) => (row[column] ?? '') !== '') ? [column] : []))
  const lines = [headers.map((header) => header.toUpperCase()), ...rows]
  const widths = new Map(used.map((column) => [column, Math.max(...lines.map((line) => (line[column] ?? '').length))]))
  return lines
    .map((line) =>
      used
        .map((column) => (line[column] ?? '').padEnd(widths.get(column) ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
