/** The node people mean: by its name, or by what stands before the first dot where one node alone has that. */
export const nodeNamed = <Node extends { readonly name: string }>(text: string, nodes: readonly Node[]): Node | undefined => {
  const exact = nodes.find(({ name }) => name === text)
  if (exact !== undefined) return exact
  const short = nodes.filter(({ name }) => name.split('.')[0] === text)
  return short.length === 1 ? short[0] : undefined
}
