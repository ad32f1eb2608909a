//! The design system: components on native elements, without data access.

mod after_first_queries;
mod badge;
mod card;
mod chart;
mod copy_button;
mod description_list;
mod dialog;
mod diff_table;
mod ellipsis;
mod empty_state;
mod error_notice;
mod field;
mod icon;
mod keyed_rows;
mod menu;
mod message_with_backticks;
mod object_page;
mod page_head;
mod pager;
mod progress;
mod query_failure;
mod query_result;
mod search_select;
mod select;
mod selection;
mod skeleton;
mod sparkline;
mod table;
mod time;
mod toast;
mod tooltip;

pub(crate) use self::{
    after_first_queries::WhenLoaded,
    badge::{Badge, Tone},
    card::Card,
    chart::{Band, Chart, ChartData, ChartSeries, MONTH_STEP, Note, Shape, Spacing, Strip, StripCell, Unit, with_gaps},
    copy_button::{CopyButton, Copyable, Secret},
    description_list::Fact,
    dialog::{Confirm, Dialog, FormDialog},
    diff_table::{DiffTable, diff_lines},
    ellipsis::Ellipsis,
    empty_state::Empty,
    error_notice::Notice,
    field::Field,
    icon::{Icon, Logo},
    keyed_rows::Rows,
    menu::Menu,
    message_with_backticks::{Message, plain},
    object_page::{Missing, ObjectPage},
    page_head::PageHead,
    pager::Pager,
    progress::Progress,
    query_failure::Failure,
    query_result::QueryResult,
    search_select::SearchSelect,
    select::Select,
    selection::{SelectCell, Selection},
    skeleton::{SkeletonRows, SkeletonText},
    sparkline::Sparkline,
    table::{Column, Freeze, Order, Table, toggle_column},
    time::{OptionalTime, Time, TimeFormat},
    toast::{ToastList, Toasts},
    tooltip::{Tooltip, TooltipLayer},
};
