//! A drawing with its heading, explanation, legend and text alternative.

use maud::{Markup, html};

use super::scale::place;

/// An entry of a legend.
pub(super) struct Legend {
    class: &'static str,
    shape: &'static str,
    label: String,
}

impl Legend {
    pub(super) fn line(class: &'static str, label: impl Into<String>) -> Self {
        Self {
            class,
            shape: "line",
            label: label.into(),
        }
    }

    pub(super) fn area(class: &'static str, label: impl Into<String>) -> Self {
        Self {
            class,
            shape: "area",
            label: label.into(),
        }
    }
}

/// A drawing as wide as the page, scrolled sideways where the window is narrow.
pub(super) fn figure(
    heading: &str,
    explanation: &str,
    (width, height): (f64, f64),
    legend: &[Legend],
    drawing: &Markup,
) -> Markup {
    html! {
        section {
            h2 { (heading) }
            p.explanation { (explanation) }
            (legend_list(legend))
            div.scroll tabindex="0" role="group" aria-label=(heading) {
                (svg(heading, explanation, (width, height), drawing))
            }
        }
    }
}

pub(super) fn legend_list(legend: &[Legend]) -> Markup {
    html! {
        @if !legend.is_empty() {
            ul.legend {
                @for entry in legend {
                    li { span class={ "swatch " (entry.shape) " " (entry.class) } {} (entry.label) }
                }
            }
        }
    }
}

pub(super) fn svg(
    heading: &str,
    explanation: &str,
    (width, height): (f64, f64),
    drawing: &Markup,
) -> Markup {
    html! {
        svg viewBox={ "0 0 " (place(width)) " " (place(height)) } role="img" aria-label={ (heading) ". " (explanation) } {
            (drawing)
        }
    }
}
