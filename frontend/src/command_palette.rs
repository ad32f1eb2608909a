//! The command palette: one field that finds pages, objects and actions. Its code is loaded when it is first opened.

mod dialog;
mod entries;
mod matching;
mod perform_action;

use leptos::prelude::*;

use crate::lazy::pieces;

pieces! {
    palette:
        command_palette => dialog::Palette,
        key_list => crate::shortcuts::KeyList;
}
