/** The figures of a running agent, as Prometheus reads them. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { metricsToText } from '../watch-metrics.ts';
import { defineAction, parseParams } from './action.ts';

export const metricsAction = defineAction<Readonly<Record<string, never>>, string>({
  name: 'metrics',
  exclusive: false,
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  run: async ({ folder, live }) => {
    if (live === undefined) {
      throw new TidemarkError('not-found', `no agent watches ${folder}, so there are no figures; start \`tide watch\``);
    }
    return metricsToText([{ folder, view: live.view() }]);
  },
});
