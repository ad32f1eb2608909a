//! The head of a page: its title, which is also that of the tab, and its actions.

use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;

use crate::{base_path::href, browser, browser_tab::Tab, effect::effect};

/// The title and the actions of a page. Its `h1` takes the focus when the user comes from another page.
#[component]
pub(crate) fn PageHead(
    #[prop(into)] title: Signal<String>,
    /// A line below the title.
    #[prop(optional, into)]
    about: ViewFn,
    /// The parent page: address and name.
    #[prop(optional)]
    parent: Option<(&'static str, &'static str)>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    let (tab, path) = (expect_context::<Tab>(), use_location().pathname);
    effect(move || tab.set_title(&title.get()));
    effect(move || {
        let has_focus = document().active_element().is_some_and(|element| element.tag_name() != "BODY");
        // If the placeholder's title has the focus, the title that replaces it when the page has loaded must get the
        // focus, too.
        let came_from_another = tab.was_on_another_page(&path.read_untracked()) || has_focus;
        if let Some(heading) = heading.get()
            && came_from_another
        {
            // The page must not scroll, so that a user who comes back finds it at the same position.
            browser::focus_in_place(&heading);
        }
    });
    view! {
        <header class="page-head">
            <div class="page-title">
                {parent
                    .map(|(address, name)| {
                        view! {
                            <a class="page-parent" href=href(address)>
                                {name}
                            </a>
                        }
                    })} <h1 node_ref=heading tabindex="-1">
                    {move || title.get()}
                </h1> <div class="page-about">{move || about.run()}</div>
            </div>
            <div class="page-actions">{children.map(|children| children())}</div>
        </header>
    }
}
