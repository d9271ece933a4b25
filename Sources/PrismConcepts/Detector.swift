import PrismTensor

/// Some concepts whose tokens are found together.
protocol ConceptFamily: Sendable {
    var concepts: [Concept] { get }

    /// - Throws: `PrismError` if what a user said of the text does not hold.
    func detector(for text: ObservedText) throws -> any Detector
}

/// Finds the tokens of some concepts in one context at a time.
protocol Detector: Sendable {
    var concepts: [Concept] { get }

    /// Raises the scores of tokens that lie inside.
    func score(_ text: ContextText, _ scores: Scores)
}

/// What knows its tokens without having seen a text before.
protocol UntaughtDetector: Detector, ConceptFamily {}

extension UntaughtDetector {
    func detector(for text: ObservedText) -> any Detector { self }
}

/// A detector's columns of [tokens, concepts], all 0 at first.
struct Scores {
    private let tensor: Tensor
    private let firstColumn: Int

    init(_ tensor: Tensor, from firstColumn: Int) { (self.tensor, self.firstColumn) = (tensor, firstColumn) }

    subscript(token: Int, concept: Int) -> Float {
        get { tensor[token][firstColumn + concept] }
        nonmutating set { tensor[token][firstColumn + concept] = newValue }
    }

    func mark(_ tokens: Range<Int>, _ concept: Int) {
        for token in tokens { self[token, concept] = 1 }
    }
}
