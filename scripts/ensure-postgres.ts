import { ensure } from './ensure.ts';
import { planPostgres, postgresPrograms } from './postgres-plan.ts';

/* Runs before the tests: they need a real Postgres. */

ensure((machine) => planPostgres(postgresPrograms()?.version ?? null, machine));
