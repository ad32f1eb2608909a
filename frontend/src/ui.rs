//! Our small design system: native elements first, no data access.

mod badge;
mod card;
mod choice;
mod copy;
mod dialog;
mod empty;
mod facts;
mod field;
mod icon;
mod loaded;
mod page;
mod pager;
mod progress;
mod rows;
mod skeleton;
mod sparkline;
mod subject;
mod table;
mod toast;

pub(crate) use self::{
    badge::{Badge, Tone},
    card::Card,
    choice::Choice,
    copy::{CopyButton, Secret},
    dialog::{Confirm, Dialog, FormDialog},
    empty::{Empty, Failure, Notice},
    facts::Fact,
    field::Field,
    icon::{Icon, Logo},
    loaded::Loaded,
    page::PageHead,
    pager::Pager,
    progress::Progress,
    rows::Rows,
    skeleton::{SkeletonRows, SkeletonText},
    sparkline::Sparkline,
    subject::Subject,
    table::Table,
    toast::{ToastList, Toasts},
};
