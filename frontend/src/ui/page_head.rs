//! The head of a page: its title, for people and for the tab, and what can be done there.

use leptos::{html, prelude::*};

use crate::base_path::href;
use crate::effect::effect;

/// The page's one `h1`, which takes the focus when the page is entered from another one.
#[component]
pub(crate) fn PageHead(
    #[prop(into)] title: Signal<String>,
    /// A line below the title.
    #[prop(optional, into)]
    about: ViewFn,
    /// Where this page belongs: an address and what it is called.
    #[prop(optional)]
    parent: Option<(&'static str, &'static str)>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    effect(move || document().set_title(&format!("{} · MFTPlus", title.get())));
    effect(move || {
        let came_from_another = document().active_element().is_some_and(|element| element.tag_name() != "BODY");
        if let Some(heading) = heading.get()
            && came_from_another
        {
            // A page without focus is still a page.
            let _ = heading.focus();
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
