import { postgresPrograms } from '../src/demo/postgres.ts';
import { ensure } from './ensure.ts';
import { planPostgres } from './postgres-plan.ts';

/* Runs before the tests: they need a real Postgres. */

ensure((machine) => planPostgres(postgresPrograms()?.version ?? null, machine));
