//! How facts are read. A fact's fields and its event's stand side by side in one object, whatever their order; so all
//! fields that there are, of any kind of event, are read into one flat struct first, and the kind says then which of them
//! make the event. Derived code for a tagged enum inside a flattened struct keeps every value in a buffer that can hold
//! anything first, and is much more wasm, which every page fetches.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{Error as WordError, MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Map, Value};

use super::{Event, ExecutionError, ExecutionResult, Fact, PlannedStep, Recorded, Source, Trigger};
use crate::domain::{
    id::{ExecutionId, Name, Seq, StepId},
    log::Line,
    state_hash::StateHash,
    time::Timestamp,
};

/// All fields of all kinds of events.
#[derive(Deserialize)]
#[serde(expecting = "a fact")]
pub(super) struct Flat {
    seq: Option<Seq>,
    at: Option<Timestamp>,
    execution_id: Option<ExecutionId>,
    owner: Option<Name>,
    workflow: Option<Name>,
    kind: Option<String>,
    hash: Option<StateHash>,

    attempt: Option<u32>,
    by: Option<Name>,
    duration_ms: Option<u64>,
    error: Option<Said>,
    estimate_ms: Option<u64>,
    eta_ms: Option<u64>,
    eta_range_ms: Option<[u64; 2]>,
    execution_percent: Option<f64>,
    exit_code: Option<i32>,
    first_line: Option<u64>,
    lines: Option<NumberOr<Vec<Line>>>,
    longest_silence_ms: Option<u64>,
    message: Option<String>,
    next_attempt_at: Option<Timestamp>,
    outputs: Option<BTreeMap<String, String>>,
    params: Option<Map<String, Value>>,
    percent: Option<f64>,
    place: Option<u64>,
    reason: Option<String>,
    rerun_of: Option<ExecutionId>,
    result: Option<ExecutionResult>,
    #[serde(default)]
    reused: bool,
    signal: Option<String>,
    silent_ms: Option<u64>,
    source: Option<Source>,
    status: Option<String>,
    step: Option<StepId>,
    steps: Option<Vec<PlannedStep>>,
    tail: Option<Vec<String>>,
    trigger: Option<Trigger>,
    usual_ms: Option<NumberOr<[u64; 2]>>,
}

/// Why fields make no fact.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// One that must be there is not.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// One holds what it can't hold in this kind of event.
    #[error("field `{0}` is not as this kind of event has it")]
    Strange(&'static str),
    /// There is no such event.
    #[error("unknown kind `{0}`")]
    Kind(String),
}

impl TryFrom<Flat> for Recorded {
    type Error = Unfit;

    fn try_from(mut flat: Flat) -> Result<Self, Unfit> {
        let seq = flat.seq.take().ok_or(Unfit::Missing("seq"))?;
        let hash = flat.hash.take();
        Ok(Self { seq, fact: flat.try_into()?, hash })
    }
}

impl TryFrom<Flat> for Fact {
    type Error = Unfit;

    fn try_from(mut flat: Flat) -> Result<Self, Unfit> {
        Ok(Self {
            at: flat.at.ok_or(Unfit::Missing("at"))?,
            execution_id: flat.execution_id.ok_or(Unfit::Missing("execution_id"))?,
            owner: flat.owner.take().ok_or(Unfit::Missing("owner"))?,
            workflow: flat.workflow.take().ok_or(Unfit::Missing("workflow"))?,
            event: flat.try_into()?,
        })
    }
}

impl TryFrom<Flat> for Event {
    type Error = Unfit;

    fn try_from(flat: Flat) -> Result<Self, Unfit> {
        macro_rules! has {
            ($field:ident) => {
                flat.$field.ok_or(Unfit::Missing(stringify!($field)))?
            };
        }
        Ok(match flat.kind.as_deref().ok_or(Unfit::Missing("kind"))? {
            "execution.queued" => Event::ExecutionQueued {
                trigger: has!(trigger),
                params: has!(params),
                steps: has!(steps),
                rerun_of: flat.rerun_of,
            },
            "execution.waiting" => {
                Event::ExecutionWaiting { reason: word(Some(has!(reason)), "reason")?, place: has!(place) }
            }
            "execution.started" => Event::ExecutionStarted {},
            "execution.out_of_touch" => Event::ExecutionOutOfTouch {},
            "execution.in_touch" => Event::ExecutionInTouch {},
            "step.started" => Event::StepStarted {
                step: has!(step),
                attempt: has!(attempt),
                estimate_ms: flat.estimate_ms,
                usual_ms: match flat.usual_ms {
                    None => None,
                    Some(NumberOr::Other(band)) => Some(band),
                    Some(NumberOr::Number(_)) => return Err(Unfit::Strange("usual_ms")),
                },
            },
            "step.progress" => Event::StepProgress {
                step: has!(step),
                attempt: has!(attempt),
                percent: has!(percent),
                message: flat.message,
                source: has!(source),
                execution_percent: has!(execution_percent),
                eta_ms: flat.eta_ms,
                eta_range_ms: flat.eta_range_ms,
            },
            "step.stalled" => Event::StepStalled {
                step: has!(step),
                attempt: has!(attempt),
                silent_ms: has!(silent_ms),
                usual_ms: has!(usual_ms).number("usual_ms")?,
            },
            "step.resumed" => Event::StepResumed { step: has!(step), attempt: has!(attempt) },
            "step.output" => Event::StepOutput {
                step: has!(step),
                attempt: has!(attempt),
                first_line: has!(first_line),
                lines: match has!(lines) {
                    NumberOr::Other(lines) => lines,
                    NumberOr::Number(_) => return Err(Unfit::Strange("lines")),
                },
            },
            "step.completed" => Event::StepCompleted {
                step: has!(step),
                attempt: has!(attempt),
                duration_ms: has!(duration_ms),
                outputs: has!(outputs),
                lines: has!(lines).number("lines")?,
                execution_percent: has!(execution_percent),
                reused: flat.reused,
                longest_silence_ms: flat.longest_silence_ms,
            },
            "step.retrying" => Event::StepRetrying {
                step: has!(step),
                attempt: has!(attempt),
                status: flat.status.map_or(Ok(Default::default()), |status| word(Some(status), "status"))?,
                exit_code: flat.exit_code,
                signal: flat.signal,
                error: has!(error).sentence()?,
                duration_ms: flat.duration_ms.unwrap_or_default(),
                lines: number_or_none(flat.lines)?,
                next_attempt_at: has!(next_attempt_at),
            },
            "step.failed" => Event::StepFailed {
                step: has!(step),
                attempt: has!(attempt),
                status: word(flat.status, "status")?,
                exit_code: flat.exit_code,
                signal: flat.signal,
                error: has!(error).sentence()?,
                tail: has!(tail),
                duration_ms: has!(duration_ms),
                lines: has!(lines).number("lines")?,
            },
            "step.skipped" => {
                Event::StepSkipped { step: has!(step), reason: has!(reason), lines: number_or_none(flat.lines)? }
            }
            "execution.completed" => Event::ExecutionCompleted {
                result: has!(result),
                duration_ms: has!(duration_ms),
                percent: has!(percent),
                lines: number_or_none(flat.lines)?,
            },
            "execution.failed" => Event::ExecutionFailed {
                status: word(flat.status, "status")?,
                error: match has!(error) {
                    Said::Told(error) => error,
                    Said::Sentence(_) => return Err(Unfit::Strange("error")),
                },
                duration_ms: has!(duration_ms),
                lines: number_or_none(flat.lines)?,
            },
            "execution.cancelled" => Event::ExecutionCancelled {
                by: has!(by),
                duration_ms: has!(duration_ms),
                lines: number_or_none(flat.lines)?,
            },
            kind => return Err(Unfit::Kind(kind.chars().take(80).collect())),
        })
    }
}

/// One of the words that a type has.
fn word<T: for<'de> Deserialize<'de>>(text: Option<String>, field: &'static str) -> Result<T, Unfit> {
    let text = text.ok_or(Unfit::Missing(field))?;
    let read: Result<T, WordError> = T::deserialize(text.into_deserializer());
    read.map_err(|_| Unfit::Strange(field))
}

fn number_or_none(lines: Option<NumberOr<Vec<Line>>>) -> Result<u64, Unfit> {
    lines.map_or(Ok(0), |lines| lines.number("lines"))
}

/// A number in some kinds of events, a list in others.
enum NumberOr<T> {
    Number(u64),
    Other(T),
}

impl<T> NumberOr<T> {
    fn number(self, field: &'static str) -> Result<u64, Unfit> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Other(_) => Err(Unfit::Strange(field)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NumberOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = NumberOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a list")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(NumberOr::Number(number))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(list)).map(NumberOr::Other)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Why something failed: a sentence of a step, more of an execution.
enum Said {
    Sentence(String),
    Told(ExecutionError),
}

impl Said {
    fn sentence(self) -> Result<String, Unfit> {
        match self {
            Self::Sentence(text) => Ok(text),
            Self::Told(_) => Err(Unfit::Strange("error")),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Said;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sentence or an error")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Said, E> {
                Ok(Said::Sentence(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Said, A::Error> {
                ExecutionError::deserialize(MapAccessDeserializer::new(map)).map(Said::Told)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
