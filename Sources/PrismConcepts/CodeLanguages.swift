import Foundation

/// Programming and markup languages, by their keywords and signs; a token belongs to one at most.
///
/// `Evidence` adds up over the context's lexemes (`lexemes(of:)`). Prose is one more class, which is no concept: comments
/// and documents about code are text in its language. What nothing lists says `unlisted` against all.
struct CodeLanguages: UntaughtDetector {
    /// Signs as in `lexemes(of:)`: `⏎` a line's end, `^` its start, `w` any word.
    static let all: [(name: String, lexemes: String)] = [
        (
            "Python",
            ##"""
            def self elif None True False import from except lambda raise print isinstance len str in is not pass
            return try yield assert class if else for with :⏎ ): ):⏎ """⏎ """ .w ^# #w ' [' '] finally del global
            ),⏎ ():⏎ continue super args kwargs ^""" ."""⏎ )⏎ ()⏎ __init__ ^>>> >>> # ValueError sys os
            """##
        ),
        (
            "C and C++",
            ##"""
            #include #define #ifdef #ifndef #endif #if #else static void int char unsigned struct const return NULL
            sizeof if else for while break case switch typedef goto long size_t enum extern inline uint8_t uint32_t
            -> ;⏎ ); );⏎ {⏎ }⏎ /* */ */⏎ ^/* ^* ^} && || != == ++ &w *w \⏎ };⏎ namespace template typename class
            public private protected virtual :: auto nullptr operator override new delete bool this constexpr
            explicit using string vector }; // ^// >:: <w ~ /// ^# *⏎ ^*/ ^/** std noexcept & ^};
            """##
        ),
        (
            "Go",
            ##"""
            func package import return nil err := != error string int range defer chan go struct interface type var
            const map [] byte if for switch case *w .w {⏎ }⏎ )⏎ // ^// == && fmt make len append ,⏎ bool false true
            %v },⏎ ^} testing Printf Errorf \u
            """##
        ),
        (
            "Rust",
            ##"""
            fn let mut impl pub use mod struct enum match self Self Some None Ok Err Vec String usize u8 u32 u64 i32
            Option Result Box unsafe crate where trait dyn for :: -> => ! !( #[ #![ /// ^// ^/// &w ;⏎ {⏎ }⏎ ); );⏎
            ,⏎ <w assert_eq ()⏎ .w derive cfg &mut &self (& &' <' ^#[ ^//! `
            """##
        ),
        (
            "JavaScript",
            ##"""
            function var let const return this typeof undefined null new true false prototype module exports require
            document window if else for while === !== => && || {⏎ }⏎ ;⏎ ); );⏎ }); });⏎ }, },⏎ // ^// /* ^* ' .w ()
            ++ += async await innerHTML jQuery Object Array Math ^}; ^} addEventListener
            """##
        ),
        (
            "Ruby",
            ##"""
            def end do class module require nil self puts attr_accessor attr_reader unless elsif rescue ensure yield
            raise if else return begin when case then each new assert @w :w |w |⏎ | => ? ?⏎ .w :: ^# #w ' ', << &&
            lambda include private extend RUBY frozen_string_literal require_relative # ^## #{ ^@w ^=w
            """##
        ),
        (
            "Perl",
            ##"""
            my sub use our package return if else elsif unless foreach qw shift strict warnings die print push local
            undef ref eq ne bless defined scalar keys $w @w %w $_ @_ -> :: =~ => ->{ ;⏎ }⏎ {⏎ ); );⏎ ^# #w =head1
            =item =cut =over =back ^= $$ ' {w $self wantarray ^=w =w ^$w ^$ ($ ^$self ^=item ^=cut ^=head1 ";⏎ {$ #
            ';⏎
            """##
        ),
        (
            "shell",
            ##"""
            if then fi else elif case esac for do done in while echo exit local function export shift unset cd grep
            sed awk printf $w $( "$ " ;; ;;⏎ || && [ ] [[ ]] |⏎ ^# #w -w > >/ >& | \⏎ #! bash cur prev COMPREPLY
            compgen "${ ${ $ -- ^- ^-- ^[[ ]]; )⏎ &&⏎ # /dev $1
            """##
        ),
        (
            "SQL",
            ##"""
            SELECT select FROM from WHERE where INSERT insert INTO into VALUES values CREATE create TABLE table
            INDEX index DROP drop UPDATE AND and JOIN join ORDER order BY by GROUP group DEFAULT default PRIMARY KEY
            primary key integer INTEGER text VARCHAR varchar NULL null NOT not AS as ON on ); );⏎ ^-- RETURNS
            LANGUAGE FUNCTION function returns begin BEGIN END end ' '); ', ',' ;⏎ ,⏎ set SET ^/* */ explain TYPE
            ALTER EXTENSION ADD COLUMN SCHEMA TEXT alter add IF EXISTS OR REPLACE THEN RETURN $$ $$⏎ DECLARE
            """##
        ),
        (
            "TeX",
            ##"""
            \w \begin \end \def \newcommand \renewcommand \fi \else \relax \let \csname \endcsname \expandafter
            \section \item \ref \advance \global \long \edef \gdef \ifx \documentclass \usepackage }% %⏎ }%⏎ ^% ^\w
            }{ }} }}% }}%⏎ ^%% ^\ %% ^}% {% {%⏎
            """##
        ),
        (
            "Lisp",
            ##"""
            defun defvar defcustom defmacro let setq lambda when unless cond nil car cdr cons interactive require
            provide progn eq funcall null concat (w ^(w (( )) ))) ))⏎ )))⏎ ))))⏎ 'w ;; ^;; ;;; ^;;; ` `( #' autoload
            dolist list if and or not t -w )⏎ ^( ^: :w excursion
            """##
        ),
        (
            "HTML",
            ##"""
            <w <div <p <a <li <ul <span <td <tr <table <h1 <h2 <h3 <code <pre <em <img <head <body <html <br <dt <dd
            <dl class href id =" "> ">⏎ ></ /> />⏎ >< >⏎ ^<w <!-- --> <title <link <meta <strong -- </ ^</ ^< /p
            /div /span /li /a /td &w
            """##
        ),
        (
            "XML",
            ##"""
            <w <! <!-- --> xml version encoding xmlns name type value id =" "> ">⏎ "/> "/>⏎ " ></ /> />⏎ >⏎ ^<w <key
            <string </ ^</ ^< &w "⏎ ^<? ?>⏎
            """##
        ),
        (
            "JSON",
            ##"""
            ":" ": ",⏎ ", {" "} ":{" ":[ "},{" "},⏎ "],⏎ "]
            """##
        ),
        (
            "roff",
            ##"""
            ^.w ^.SH ^.TP ^.B ^.I ^.PP ^.IP ^.RS ^.RE ^.BR ^.IR ^.P ^.SS ^.Sh ^.It ^.Pp ^.Nm ^.Fl ^.Ar ^.Xr ^.El
            ^.Bl ^.Op ^.nf ^.fi ^.br ^.sp ^.ne ^.LP ^.de ^.TH ^.EX ^.EE ^.ft ^.ie ^.el \fB \fI \fR \fP \- \w \& ^'\
            \f \* ^. ^.\" .\" \[
            """##
        ),
    ]
    /// English function words, some of other languages, and what else stands in prose.
    static let prose = """
        the of and to in is that for it with as was on be by this are not you or from an which have but he his if can may \
        will all use used one when any has there their other more no such into must should some these its also -- ww a i \
        de la en die der et le que un und nicht est los del il di per non och det att og av som het een van ik yang dan pada na
        """
    /// In nats, for each word and sign.
    static let unlisted: Float = -0.15

    let concepts = all.map {
        Concept(
            "code", $0.name, "Inside \($0.name), judged by the context up to here, comments left out; score in nats.")
    }
    private let evidence = Evidence(
        (all.map { ["TeX", "HTML", "roff"].contains($0.name) ? $0.lexemes + "\n" + prose : $0.lexemes } + [prose]).map {
            Array(Set($0.split(whereSeparator: \.isWhitespace).map(String.init)))
        }, probability: 0.02, elsewhere: 5e-4)

    func score(_ text: ContextText, _ scores: Scores) {
        var sums = EvidenceSums(classes: concepts.count + 1)
        var labels = ClassLabels(text, scores, classes: concepts.count)
        let unlisted = [Float](repeating: Self.unlisted, count: concepts.count) + [0]
        for lexeme in Self.lexemes(of: text.bytes) {
            for names in lexeme.keys { sums.add(names.lazy.compactMap { evidence[$0] }.first ?? unlisted) }
            labels.append(lexeme.range, sums.winner.flatMap { $0 < concepts.count ? $0 : nil }, sums)
        }
        labels.finish()
    }
}
