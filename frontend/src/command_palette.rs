//! The command palette: one field that finds pages, objects and actions. Its code is loaded when it is first opened.

mod actions;
mod dialog;
mod entries;
mod matching;

use leptos::prelude::*;

use crate::lazy::pieces;

pieces! {
    palette:
        command_palette => dialog::Palette,
        key_list => crate::shortcuts::KeyList;
}
