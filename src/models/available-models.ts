import { isRecord, parsedJson } from '../base/request.ts';
import { type ListedModel, type ModelKind, modelKinds } from '../base/model.ts';

/** Far more than exist; the rest of a longer list is ignored. */
const maxModels = 1_000;
const maxRegions = 32;

const kindOfType: ReadonlyMap<string, ModelKind> = new Map(
  (Object.keys(modelKinds) as ModelKind[]).map((kind) => [modelKinds[kind].upstreamType, kind]),
);

/**
 * Reads the answer of `GET /available-models`: a bare array of `{model_id, type, regions}`. Entries that make no sense
 * are skipped; null if none is left.
 */
export function readAvailableModels(text: string): ReadonlyMap<string, ListedModel> | null {
  const models = new Map<string, ListedModel>();
  const entries = parsedJson(text);
  if (!Array.isArray(entries)) return null;
  for (const entry of entries.slice(0, maxModels) as unknown[]) {
    const { model_id: id, type, regions } = isRecord(entry) ? entry : {};
    if (typeof id !== 'string' || !/^[A-Za-z0-9._:/-]{1,128}$/.test(id)) continue;
    models.set(id, { kinds: kindsOf(textsOf(type)), regions: textsOf(regions).filter(isRegion) });
  }
  return models.size > 0 ? models : null;
}

/** An entry of such an answer. */
export function availableModel(id: string, { kinds, regions }: ListedModel): object {
  return { model_id: id, type: kinds.map((kind) => modelKinds[kind].upstreamType), regions };
}

/** Empty if a type is unknown: then nobody can say what the model is not for. */
function kindsOf(types: readonly string[]): readonly ModelKind[] {
  const kinds = types.map((type) => kindOfType.get(type));
  return kinds.every((kind) => kind !== undefined) ? [...new Set(kinds)] : [];
}

/** A single text counts as a list of one. */
function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.slice(0, maxRegions).filter((each) => typeof each === 'string');
}

function isRegion(text: string): boolean {
  return /^[a-z0-9-]{1,32}$/.test(text);
}
