import { curlClient } from './adapters/curl.ts';
import { clientCases, ground } from './support/cases.ts';

const on = ground();
clientCases(curlClient, on);
