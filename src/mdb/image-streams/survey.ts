import { noMachines, type StreamSurvey, type SurveyedStream, withMachine } from "../../core/image/stream/survey.ts";
import type { Store } from "../../core/ports.ts";
import { forEachInTurns } from "../turns.ts";

/** Surveys a stream over the fleet, with packets answered in between. */
export async function surveyInTurns(store: Pick<Store, "list">, stream: SurveyedStream): Promise<StreamSurvey> {
  let survey = noMachines;
  await forEachInTurns([...store.list()], (machine) => {
    survey = withMachine(survey, machine, stream);
  });
  return survey;
}
