import PrismActivations

/// Examples with labels that the text itself carries, to probe a model's activations for.
public struct TextTask: Sendable {
    /// One token, or a whole context.
    public struct Example: Hashable, Sendable {
        /// A place in `TextTasks.contexts`.
        public let context: Int
        /// Nil for the mean over all used positions of the context.
        public let position: Int32?
    }

    /// What the classes are kinds of, such as "language".
    public let name: String
    public let classes: [String]
    public let examples: [Example]
    /// Of each class whether each example is inside.
    public let isInside: [[Bool]]
    /// Examples to test on: of other documents than those to fit on, or of other words.
    public let isTest: [Bool]
}

/// What can be asked of a model on one text, without labels by hand and without a download.
public struct TextTasks: Sendable {
    /// Every context that some task has examples in. Those with masked words stand behind the others.
    public let contexts: [TokenContext]
    /// Several classes each: the language, the programming language, the source, whether something is quoted, whether a
    /// masked word was kind, a word's first letter.
    public let classifications: [TextTask]
    /// Two labels each that say nothing of each other.
    public let pairs: [TextTask]
    /// The task of a word's first letter among the classifications, which absorption is measured on.
    public static let letters = "first letter"
    /// Words of two senses, as classes, with the sense of each example; nil where the text has too few.
    public let senses: (task: TextTask, senses: [Int])?
    /// Words with several attributes, and the classes that are the values of each; nil where the text has too few.
    public let attributes: (task: TextTask, attributes: [(name: String, values: [Int])])?
}
