//! Reads user name and password from a JAAS entry of `PlainLoginModule`.

/// Reads `…PlainLoginModule required username="u" password="p";`. Errors show none of it.
pub(super) fn credentials(text: &str) -> Result<(String, String), String> {
    let refuse = || "…PlainLoginModule required username=\"…\" password=\"…\";".to_owned();
    let (module, mut rest) = text
        .trim()
        .split_once(char::is_whitespace)
        .ok_or_else(refuse)?;
    if module.rsplit('.').next() != Some("PlainLoginModule") {
        return Err(refuse());
    }
    let (mut username, mut password) = (None, None);
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.split_whitespace().next_back().unwrap_or_default();
        let (value, tail) = value(after.trim_start()).ok_or_else(refuse)?;
        match name {
            "username" => username = Some(value),
            "password" => password = Some(value),
            _ => {}
        }
        rest = tail;
    }
    username.zip(password).ok_or_else(refuse)
}

/// A value in quotes, with `\"` and `\\` in it, or up to white space or a semicolon; then what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text
            .find(|character: char| character.is_whitespace() || character == ';')
            .unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return Some((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_found() {
        let module = "org.apache.fluss.security.auth.sasl.plain.PlainLoginModule required";
        for (rest, expected) in [
            (r#"username="u" password="p";"#, Some(("u", "p"))),
            (
                r#" password = "a b=c;" username = u ;"#,
                Some(("u", "a b=c;")),
            ),
            (r#"username="a\"b\\" password="";"#, Some((r#"a"b\"#, ""))),
            (r#"debug=true username="u" password="p";"#, Some(("u", "p"))),
            (r#"username="u";"#, None),
            (r#"username="u" password="p"#, None),
            ("", None),
        ] {
            let found = credentials(&format!("{module} {rest}")).ok();
            let found = found.as_ref().map(|(u, p)| (u.as_str(), p.as_str()));
            assert_eq!(found, expected, "{rest}");
        }
        let other = credentials(r#"com.sun.Krb5LoginModule required username="u" password="p";"#);
        assert!(
            !other
                .unwrap_err()
                .contains('u'.to_string().repeat(2).as_str())
        );
    }
}
