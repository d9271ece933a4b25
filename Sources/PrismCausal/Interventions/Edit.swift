import PrismCore

/// A change to a model's activations, as data: which units, what becomes of them, and where.
public struct Edit: Hashable, Sendable {
    /// What is changed.
    public enum Units: Hashable, Sendable {
        /// dictionary: its name; nil for the only one.
        case latents([Int], dictionary: String? = nil)
        case neurons([Int], layer: Int)
        case heads([Int], layer: Int)
        /// Any direction at a hook point, of any length but 0: it is brought to length 1.
        case direction([Float], at: HookPoint)
    }

    /// What a unit's value c becomes.
    public enum Change: Hashable, Sendable {
        /// 0
        case zero
        /// Its mean over reference text.
        case mean
        /// Its value at a position of reference text, drawn for each position; all units of an edit take theirs from the same.
        case resample
        /// c + strength: steering.
        case add(Float)
        /// c · factor: a boost above 1, nothing at 1.
        case multiply(Float)
        /// A number, wherever the unit stood: a clamp.
        case set(Float)
        /// Its value in another prompt at the same position; positions that the other has not keep theirs.
        case replace(prompt: String)
    }

    public var units: Units
    public var change: Change
    public var positions: Positions
    /// Whether what the dictionary does not explain stays; else the positions get its reconstruction.
    public var keepsError: Bool

    public init(_ units: Units, _ change: Change, at positions: Positions = .all, keepsError: Bool = true) {
        (self.units, self.change, self.positions, self.keepsError) = (units, change, positions, keepsError)
    }

    /// Whether it needs reference text.
    public var needsReference: Bool { [.mean, .resample].contains(change) }

    /// Which positions of a context an edit touches.
    public enum Positions: Hashable, Sendable {
        case all
        /// Those of the prompt, or those behind it that the model wrote.
        case prompt, generated
        /// The prompt's last.
        case last
        /// By number, the first token of all being 0; from the prompt's end where negative.
        case numbers([ClosedRange<Int>])
        /// Those whose token's text holds a match of a regular expression.
        case tokens(String)
        /// Those where one of the units is above zero.
        case active

        /// Reads `all`, `prompt`, `generated`, `last`, `active`, numbers such as `3,5-8,-1`, or `/regular expression/`.
        /// - Throws: `PrismError.usage` for anything else.
        public init(_ text: String) throws {
            let words: [String: Positions] = [
                "all": .all, "prompt": .prompt, "generated": .generated, "last": .last, "active": .active,
            ]
            if let known = words[text] {
                self = known
            } else if text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") {
                let pattern = String(text.dropFirst().dropLast())
                guard (try? Regex(pattern)) != nil else {
                    throw PrismError.usage("‘\(pattern)’ is no regular expression")
                }
                self = .tokens(pattern)
            } else {
                self = .numbers(
                    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                        let ends = part.dropFirst().split(
                            separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                        let numbers = ([part.prefix(1) + (ends.first ?? "")] + ends.dropFirst()).map { Int($0) }
                        guard let low = numbers[0], let high = numbers.last!, low <= high, low >= 0 || high < 0 else {
                            throw PrismError.usage(
                                "‘\(text)’ names no positions; give all, prompt, generated, last, active, numbers such as 3,5-8,-1, or a regular expression between slashes"
                            )
                        }
                        return low...high
                    })
            }
        }
    }
}
