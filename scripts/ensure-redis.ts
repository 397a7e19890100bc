import { ensure } from './ensure.ts';
import { outputOf } from './output-of.ts';
import { planRedis } from './redis-plan.ts';

/* Runs before the tests: they need a real redis-server. */

ensure((machine) => planRedis(outputOf('redis-server', '--version'), machine));
