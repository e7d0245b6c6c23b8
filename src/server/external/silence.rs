//! What happens when a reporter says nothing: out of touch at first, interrupted for good in the end.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{End, Reporter, Shared, State};
use crate::domain::{
    event::Event,
    time::{millis, spoken},
};

/// How often all reporters are looked at, at most and at least; in between, a fifth of the shortest time that counts.
const LOOK_MIN: Duration = Duration::from_millis(20);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Looks after all that runs elsewhere until it is stopped.
pub(super) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let settings = shared.settings;
    let shortest = settings.out_of_touch_after.min(settings.grace).min(settings.interrupt_after_least);
    let every = (shortest / 5).clamp(LOOK_MIN, LOOK_MAX);
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        let all: Vec<Arc<Reporter>> = shared.open().values().cloned().collect();
        for reporter in all {
            // One that is being heard now is not silent.
            if let Ok(mut state) = reporter.state.try_lock() {
                shared.look_after(&reporter, &mut state).await;
            }
        }
    }
}

impl Shared {
    async fn look_after(&self, reporter: &Reporter, state: &mut State) {
        let now = Instant::now();
        let silent = now.duration_since(state.heard_at);
        if !state.out_of_touch && silent >= self.settings.out_of_touch_after {
            state.out_of_touch = true;
            reporter.recorder.record(Event::ExecutionOutOfTouch {}).await;
        }
        if let Some(cancel) = &state.cancel
            && (state.out_of_touch || cancel.told_at.is_some_and(|at| now.duration_since(at) >= self.settings.grace))
        {
            let by = cancel.by.clone();
            self.end(reporter, End::Cancelled, by).await;
        } else if silent >= reporter.interrupt_after {
            let silence = millis(reporter.interrupt_after);
            let why = format!("nothing was heard of it for {}", spoken(silence));
            self.end(reporter, End::Interrupted(why), reporter.owner.clone()).await;
        }
    }
}
