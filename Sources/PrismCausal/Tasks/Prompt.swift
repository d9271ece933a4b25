import PrismCore
import PrismModels

/// A prompt as text, with named stretches.
struct Prompt {
    private(set) var text = ""
    private(set) var marks: [Mark] = []

    /// A stretch that was filled in.
    struct Mark {
        let name: String
        let range: Range<String.Index>
        /// Whether it must be a single token.
        let isSingle: Bool
    }

    init(_ text: String) { self.text = text }

    /// Fills in a template: `{name}` stands for a word that is a single token, space included, `{name+}` for one of any
    /// number of tokens.
    init(_ template: String, _ words: [String: String]) {
        var rest = Substring(template)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let isSingle = rest[rest.index(before: close)] != "+"
            let name = rest[rest.index(after: open)..<(isSingle ? close : rest.index(before: close))]
            guard let word = words[String(name)] else { preconditionFailure("nothing to fill in for \(name)") }
            text += rest[..<open]
            // An index into a string that grows stays valid for what stands before it.
            let start = text.utf8.count
            text += word
            let range = text.utf8.index(text.startIndex, offsetBy: start)..<text.endIndex
            marks.append(Mark(name: String(name), range: range, isSingle: isSingle))
            rest = rest[rest.index(after: close)...]
        }
        text += rest
    }

    /// The prompt's tokens, BOS first where the tokenizer adds one, and the last position of each mark.
    /// - Throws: `PrismError.badData` if a mark shares a token with what is beside it, or should be a single one and is not.
    func encoded(_ tokenizer: Tokenizer) throws -> (tokens: [Int32], positions: [String: Int]) {
        let begin = tokenizer.addsBOS ? [tokenizer.bosID!] : []
        let tokens = tokenizer.encode(text)
        /// How many tokens a beginning of the text has; nil if it ends inside a token.
        func count(_ end: String.Index) -> Int? {
            let part = tokenizer.encode(String(text[..<end]))
            return tokens.starts(with: part) ? part.count : nil
        }
        var positions: [String: Int] = [:]
        for mark in marks {
            guard let before = count(mark.range.lowerBound), let after = count(mark.range.upperBound),
                mark.isSingle ? after == before + 1 : after > before
            else { throw PrismError.badData("‘\(text[mark.range])’ is not a single token in ‘\(text)’") }
            positions[mark.name] = begin.count + after - 1
        }
        return (begin + tokens, positions)
    }

    /// The tokens that a continuation adds.
    /// - Throws: `PrismError.badData` if it changes the tokens of the prompt itself.
    func tokens(ofContinuation continuation: String, _ tokenizer: Tokenizer) throws -> [Int32] {
        let (own, whole) = (tokenizer.encode(text), tokenizer.encode(text + continuation))
        guard whole.starts(with: own), whole.count > own.count else {
            throw PrismError.badData("‘\(continuation)’ does not begin a token of its own after the prompt")
        }
        return Array(whole.dropFirst(own.count))
    }

    /// The token that an answer is.
    /// - Throws: `PrismError.badData` if it is several, or changes the tokens of the prompt itself.
    func token(ofAnswer answer: String, _ tokenizer: Tokenizer) throws -> Int32 {
        let tokens = try tokens(ofContinuation: answer, tokenizer)
        guard tokens.count == 1 else {
            let pieces = tokens.map { "‘\(tokenizer.text(of: $0))’" }.joined(separator: ", ")
            throw PrismError.badData(
                "‘\(answer)’ is \(tokens.count) tokens, \(pieces); an answer must be a single one, with the space before it if it is a word"
            )
        }
        return tokens[0]
    }
}

/// A pair as text.
struct PromptDraft {
    let clean, corrupt: Prompt
    let answers, foils: [String]
    /// Whether answers and foils stand for how they begin: of those of several tokens the first counts, unless a foil
    /// begins with an answer's.
    var areBeginnings = false

    /// - Throws: `PrismError.badData` if an answer is several tokens, or the prompts differ in length or in where their marks
    ///   are.
    func pair(_ tokenizer: Tokenizer) throws -> PromptPair {
        func firstTokens(_ texts: [String]) throws -> [Int32] {
            try texts.map { text in
                try areBeginnings
                    ? clean.tokens(ofContinuation: text, tokenizer)[0] : clean.token(ofAnswer: text, tokenizer)
            }
        }
        var (right, wrong) = (try firstTokens(answers), try firstTokens(foils))
        if areBeginnings {
            let shared = Set(right).intersection(wrong)
            right = Set(right).subtracting(shared).sorted()
            wrong = Set(wrong).subtracting(shared).sorted()
        }
        let (cleanTokens, positions) = try clean.encoded(tokenizer)
        let (corruptTokens, corruptPositions) = try corrupt.encoded(tokenizer)
        let pair = try PromptPair(
            clean: cleanTokens, corrupt: corruptTokens, answers: right, foils: wrong, labels: positions)
        guard positions == corruptPositions else {
            throw PrismError.badData("what the prompts differ in is at other positions in one of them")
        }
        return pair
    }
}
