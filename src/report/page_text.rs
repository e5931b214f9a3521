//! The texts of a page with the language each is marked with, for the laws about languages.

/// A piece of text a reader meets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    /// The words, entities decoded.
    pub(crate) text: String,
    /// The language of the nearest element that names one.
    pub(crate) lang: String,
    /// Inside an element for quotations.
    pub(crate) is_quoted: bool,
    /// Inside an element for commands, digests and calculations.
    pub(crate) is_code: bool,
}

/// Attributes that are read aloud or shown.
const SPOKEN: [&str; 4] = ["aria-label", "content", "data-l", "title"];

#[derive(Clone, Debug)]
struct Open {
    tag: String,
    lang: String,
    is_quoted: bool,
    is_code: bool,
}

/// Every text of a page, style sheet and policy left out.
pub(crate) fn pieces(html: &str) -> Vec<Piece> {
    let outside = Open { tag: String::new(), lang: String::new(), is_quoted: false, is_code: false };
    let mut open = vec![outside];
    let mut found = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("every tag ends");
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            let closed = open.pop().expect("more tags closed than opened");
            assert_eq!(closed.tag, name, "tags cross");
        } else if !tag.starts_with('!') {
            let mut inner = open.last().expect("the outside stays").clone();
            inner.tag.clone_from(&name);
            if let Some(lang) = attribute(tag, "lang") {
                inner.lang = lang;
            }
            inner.is_quoted |= matches!(name.as_str(), "q" | "blockquote");
            inner.is_code |= matches!(name.as_str(), "code" | "pre" | "style");
            let is_policy = tag.contains("Content-Security-Policy") || tag.contains("viewport");
            for spoken in SPOKEN.iter().filter(|_| !is_policy).filter_map(|name| attribute(tag, name)) {
                found.push(piece(&inner, &spoken));
            }
            let is_void = matches!(name.as_str(), "meta" | "link" | "br") || tag.ends_with('/');
            if !is_void {
                open.push(inner);
            }
        }
        let around = open.last().expect("the outside stays");
        if !text.trim().is_empty() && around.tag != "style" {
            found.push(piece(around, text));
        }
    }
    assert_eq!(open.len(), 1, "every tag is closed");
    found
}

/// The value of an attribute of a tag.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(decode(rest.split_once('"')?.0))
}

fn piece(around: &Open, text: &str) -> Piece {
    Piece {
        text: decode(text),
        lang: around.lang.clone(),
        is_quoted: around.is_quoted,
        is_code: around.is_code,
    }
}

fn decode(text: &str) -> String {
    text.replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#60;", "<")
        .replace("&lt;", "<")
        .replace("&#62;", ">")
        .replace("&gt;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[test]
fn a_text_has_the_language_of_the_nearest_mark() {
    let html =
        "<html lang=\"fr\"><p title=\"d&#39;un\">un <q lang=\"en\">two <b>three</b></q><br>quatre</p></html>";
    let found = pieces(html);
    let texts: Vec<(&str, &str)> = found.iter().map(|p| (p.text.as_str(), p.lang.as_str())).collect();
    assert_eq!(texts, [("d'un", "fr"), ("un ", "fr"), ("two ", "en"), ("three", "en"), ("quatre", "fr")]);
    assert!(found[3].is_quoted && !found[4].is_quoted);
}
