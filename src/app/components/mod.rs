//! The parts that pages are made of. Each has a file and a class of the same name in `style/`.

pub mod ansi;
pub mod copy_button;
pub mod ended_list;
pub mod error_panel;
pub mod execution_header;
pub mod execution_row;
pub mod field;
pub mod filter_bar;
pub mod history_bars;
pub mod icon;
pub mod live_light;
pub mod moment;
pub mod output_log;
pub mod progress_bar;
pub mod rerun_button;
pub mod result_table;
pub mod run_form;
pub mod status_badge;
pub mod step_list;
pub mod stop_button;
pub mod theme_switch;
pub mod time_ruler;
pub mod time_scrubber;
pub mod trouble;
