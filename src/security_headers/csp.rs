//! One Content-Security-Policy: the preset's directives, the caller's on top, the nonce, and the checks
//! that need the whole policy.

use super::csp_defaults::default_directives;
use super::csp_directive::{DIRECTIVES, Directive, Kind};
use super::csp_source::Provenance;
use super::csp_template::Template;
use super::options::{DirectiveOption, PolicyOptions, Preset, SourceOption};
use super::text::{dashed, require_field_value, unknown_name};
use crate::error::{ConfigError, ErrorCode};

/// Directives that a nonce can stand in (CSP Level 3, section 6.7.2.3).
const NONCE_DIRECTIVES: [&str; 5] =
    ["script-src", "script-src-elem", "style-src", "style-src-elem", "default-src"];

/// One element of a compiled directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// One token.
    Text(String),
    /// `'nonce-…'` of the response.
    Nonce,
    /// What function number n returns.
    Function(u32),
}

/// One compiled directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is.
    pub(super) directive: &'static Directive,
    /// What it holds, in order.
    pub(super) sources: Vec<Source>,
}

impl Entry {
    fn fixed(directive: &'static Directive, sources: &str) -> Self {
        let sources = sources.split_ascii_whitespace().map(|token| Source::Text(token.to_owned()));
        Self { directive, sources: sources.collect() }
    }

    fn holds(&self, token: &str) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::Text(text) if text == token))
    }

    fn is_none(&self) -> bool {
        matches!(self.sources.as_slice(), [Source::Text(text)] if text.eq_ignore_ascii_case("'none'"))
    }

    fn push_text(&mut self, token: &str) {
        if !self.holds(token) {
            self.sources.push(Source::Text(token.to_owned()));
        }
    }
}

/// A checked policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Policy {
    entries: Vec<Entry>,
}

impl Policy {
    /// The preset's own policy.
    pub(super) fn preset(preset: Preset) -> Self {
        let entries = default_directives(preset).iter().filter_map(|(name, sources)| {
            Directive::named(name).map(|directive| Entry::fixed(directive, sources))
        });
        Self { entries: entries.collect() }
    }

    /// Merges the caller's directives into the preset's, or takes them alone.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of the directive that is wrong.
    pub(super) fn compile(options: &PolicyOptions, preset: Preset) -> Result<Self, ConfigError> {
        let mut policy =
            if options.use_defaults { Self::preset(preset) } else { Self { entries: Vec::new() } };
        let mut given: Vec<&'static str> = Vec::with_capacity(options.directives.len());
        for option in &options.directives {
            let path = format!("{}.directives.{}", options.path, option.key);
            let directive = find_directive(&path, &option.key)?;
            if given.contains(&directive.name) {
                let message =
                    format!("{} is given twice, in camel case and with dashes", directive.name);
                return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
            }
            given.push(directive.name);
            policy.set(&path, directive, option)?;
        }
        if options.strict_dynamic {
            policy.apply_strict_dynamic(&given);
        }
        policy.apply_nonce(options)?;
        policy.check_whole(options)?;
        Ok(policy)
    }

    /// The names of reporting endpoints the policy relies on.
    pub(super) fn report_to(&self) -> impl Iterator<Item = &str> {
        let reports = self.entries.iter().filter(|entry| entry.directive.kind == Kind::ReportTo);
        reports.flat_map(|entry| &entry.sources).filter_map(|source| match source {
            Source::Text(name) => Some(name.as_str()),
            Source::Nonce | Source::Function(_) => None,
        })
    }

    /// Whether the response needs a nonce for it.
    pub(super) fn has_nonce(&self) -> bool {
        self.entries.iter().any(|entry| entry.sources.contains(&Source::Nonce))
    }

    /// The policy's text with slots, or nothing if no directive is left. Over plain http
    /// `upgrade-insecure-requests` would break the page's own links, so it waits for a secure request.
    pub(super) fn template(&self, upgrade: bool) -> Option<Template> {
        let mut template = Template::default();
        for entry in &self.entries {
            if upgrade || entry.directive.name != "upgrade-insecure-requests" {
                template.push(entry);
            }
        }
        (!template.parts().is_empty()).then_some(template)
    }

    fn find(&mut self, name: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.directive.name == name)
    }

    /// Replaces in place, so that an overridden default keeps its position as in helmet.
    fn put(&mut self, entry: Entry) {
        match self.find(entry.directive.name) {
            Some(existing) => *existing = entry,
            None => self.entries.push(entry),
        }
    }

    fn set(
        &mut self,
        path: &str,
        directive: &'static Directive,
        option: &DirectiveOption,
    ) -> Result<(), ConfigError> {
        match &option.sources {
            None => self.entries.retain(|entry| entry.directive.name != directive.name),
            Some(sources) => {
                let sources = parse_sources(path, directive, sources)?;
                self.put(Entry { directive, sources });
            }
        }
        Ok(())
    }

    /// Google's strict policy: a nonce or hash decides which scripts run and what they load;
    /// `https:` and `'unsafe-inline'` only matter to browsers that know no nonces.
    fn apply_strict_dynamic(&mut self, given: &[&str]) {
        for (name, sources) in
            [("script-src", ""), ("object-src", "'none'"), ("base-uri", "'none'")]
        {
            if !given.contains(&name)
                && let Some(directive) = Directive::named(name)
            {
                self.put(Entry::fixed(directive, sources));
            }
        }
    }

    fn apply_nonce(&mut self, options: &PolicyOptions) -> Result<(), ConfigError> {
        let implied =
            || if options.strict_dynamic { vec!["script-src".to_owned()] } else { Vec::new() };
        for name in &options.nonce.clone().unwrap_or_else(implied) {
            let path = format!("{}.nonce", options.path);
            let directive = find_directive(&path, name)?;
            if !NONCE_DIRECTIVES.contains(&directive.name) {
                let message =
                    format!("{} takes no nonce; {}", directive.name, NONCE_DIRECTIVES.join(", "));
                return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
            }
            self.add_nonce(directive);
        }
        if options.strict_dynamic
            && let Some(script) = self.find("script-src")
        {
            for token in ["'strict-dynamic'", "https:", "'unsafe-inline'"] {
                script.push_text(token);
            }
        }
        Ok(())
    }

    /// A directive that was inherited so far starts from what it inherited: naming it must not lose the
    /// sources that `default-src` allowed.
    fn add_nonce(&mut self, directive: &'static Directive) {
        if self.find(directive.name).is_none() {
            let parent = directive.name.strip_suffix("-elem").unwrap_or("default-src");
            let inherited = [parent, "default-src"]
                .into_iter()
                .find_map(|name| self.find(name).map(|entry| entry.sources.clone()));
            self.put(Entry { directive, sources: inherited.unwrap_or_default() });
        }
        let Some(entry) = self.find(directive.name) else { return };
        if entry.is_none() {
            entry.sources.clear();
        }
        if !entry.sources.contains(&Source::Nonce) {
            entry.sources.push(Source::Nonce);
        }
    }

    fn check_whole(&mut self, options: &PolicyOptions) -> Result<(), ConfigError> {
        let path = format!("{}.directives", options.path);
        let conflict =
            |path, message: &str| Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
        if self.entries.is_empty() {
            return conflict(
                path,
                "the policy has no directives; set some, or turn the header off with false",
            );
        }
        if self.find("default-src").is_none() && !options.allow_missing_default_src {
            return conflict(
                path,
                "the policy lacks default-src; set it, or say allowMissingDefaultSrc: true",
            );
        }
        if options.strict_dynamic
            && !self.find("script-src").is_some_and(|entry| is_trusting(entry))
        {
            return conflict(
                format!("{}.strictDynamic", options.path),
                "needs a nonce, a hash or a function in script-src; without one no script runs",
            );
        }
        Ok(())
    }
}

/// Whether a script can prove that it is meant: by nonce, by hash, or by what a function returns.
fn is_trusting(entry: &Entry) -> bool {
    entry.sources.iter().any(|source| match source {
        Source::Nonce | Source::Function(_) => true,
        Source::Text(text) => text.to_ascii_lowercase().starts_with("'sha"),
    })
}

fn find_directive(path: &str, name: &str) -> Result<&'static Directive, ConfigError> {
    Directive::named(name).ok_or_else(|| {
        unknown_name(path, "directive", &dashed(name), DIRECTIVES.iter().map(|known| known.name))
    })
}

fn parse_sources(
    path: &str,
    directive: &'static Directive,
    options: &[SourceOption],
) -> Result<Vec<Source>, ConfigError> {
    let refuse = |code, message: String| Err(ConfigError::new(code, path, message));
    let mut sources = Vec::with_capacity(options.len());
    for option in options {
        match option {
            SourceOption::Text(text) => {
                require_field_value(path, text)?;
                for token in text.split_ascii_whitespace() {
                    if let Err(reason) = directive.check_token(token, Provenance::Configuration) {
                        return refuse(ErrorCode::CspSource, reason);
                    }
                    sources.push(Source::Text(token.to_owned()));
                }
            }
            SourceOption::Function(_)
                if matches!(directive.kind, Kind::ReportTo | Kind::Valueless) =>
            {
                let message =
                    format!("{} takes no function: its value is checked once", directive.name);
                return refuse(ErrorCode::OptionType, message);
            }
            SourceOption::Function(number) => sources.push(Source::Function(*number)),
        }
    }
    let is_none = |source: &Source| matches!(source, Source::Text(text) if text.eq_ignore_ascii_case("'none'"));
    if directive.has_none() && sources.len() > 1 && sources.iter().any(is_none) {
        return refuse(ErrorCode::CspSource, "'none' stands alone or is ignored".to_owned());
    }
    if directive.kind == Kind::ReportTo && sources.len() != 1 {
        return refuse(ErrorCode::CspSource, "names exactly one reporting endpoint".to_owned());
    }
    Ok(sources)
}
