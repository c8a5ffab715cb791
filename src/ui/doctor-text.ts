import { type CheckResult, categories } from '../doctor/check.ts'
import type { Theme } from './theme.ts'
import { wrap } from './wrap.ts'

/** How results are told. */
export interface DoctorTextOptions {
  readonly columns: number
  readonly theme: Theme
}

/** At most so many findings of one check are printed; `-o json` has all. */
const most = 5

/** Checks by category, a line each, with evidence and remedy below what is not as it should be; as `linkerd check` prints its own. */
export const doctorText = (results: readonly CheckResult[], { columns, theme }: DoctorTextOptions): string => {
  const marks = { ok: theme.good('√'), warning: theme.warn('‼'), error: theme.bad('×') }
  const under = (text: string): string => wrap(text, { columns, first: '    ' })
  const sections = categories.flatMap((category) => {
    const own = results.filter((one) => one.category === category)
    if (own.length === 0) return []
    const lines = own.flatMap(({ id, title, outcome, findings }) => [
      `${marks[outcome]} ${title}${outcome === 'ok' ? '' : `  ${theme.faint(id)}`}`,
      ...findings.slice(0, most).flatMap(({ evidence, hint }) => [under(evidence), `    fix: ${hint}`]),
      ...(findings.length > most ? [under(`and ${findings.length - most} more; all of them: kubectl calico-fw doctor -o json`)] : []),
    ])
    return [[theme.strong(category), theme.strong('-'.repeat(category.length)), ...lines].join('\n')]
  })
  return [...sections, verdictOf(results)].join('\n\n')
}

const verdictOf = (results: readonly CheckResult[]): string => {
  const count = (outcome: CheckResult['outcome']) => results.filter((one) => one.outcome === outcome).length
  const [errors, warnings] = [count('error'), count('warning')]
  const tail = `${count('ok')} of ${results.length} checks are well, ${warnings} ${warnings === 1 ? 'warns' : 'warn'}, ${errors} ${errors === 1 ? 'fails' : 'fail'}`
  return `Status check results: ${errors > 0 ? '×' : warnings > 0 ? '‼' : '√'} ${tail}`
}
