import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hang, respond, type Script } from '../../../src/demo/behaviours.ts';
import { mcpServers } from '../../../src/demo/mcp-servers.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { errorOf, get, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';
import { type TurnedClock, turnedClock } from '../../support/turned-clock.ts';

/* `GET /v1/mcp/servers`: the upstream's list with the gateway's key, within what a token may run. */

const path = '/v1/mcp/servers';
const json = { 'content-type': 'application/json' };
