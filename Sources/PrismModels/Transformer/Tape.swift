import PrismTensor

/// One block's activation at one place of a pass, in memory that its workspace takes back when nobody needs it.
final class Node {
    /// [rows, width]
    let tensor: Tensor
    /// ∂objective/∂tensor, as far as the way back has come; nil for none so far.
    private(set) var gradient: Tensor?
    private let workspace: Workspace
    /// What memory is this node's to give back.
    private let memory: Tensor?
    private let lender: Node?
    private var gradientMemory: Tensor?

    init(_ workspace: Workspace, rows: Int, width: Int) {
        self.workspace = workspace
        // Keys with their past may be more rows than any block has.
        memory = rows <= workspace.capacity ? workspace.take(width: width) : nil
        tensor = memory?.rows(0..<rows) ?? Tensor(rows, width)
        lender = nil
    }

    /// A place of its own in another node's memory, whose numbers nobody needs again.
    init(overwriting other: Node) {
        workspace = other.workspace
        memory = nil
        tensor = other.tensor
        lender = other
    }

    deinit {
        if let memory { workspace.giveBack(memory) }
        if let gradientMemory { workspace.giveBack(gradientMemory) }
    }

    /// Adds to the gradient what `write` puts into a tensor of its shape.
    func receive(_ backend: any Backend, _ write: (Tensor) -> Void) {
        guard let gradient else { return write(newGradient()) }
        let part = workspace.take(width: tensor.rowWidth)
        write(part.rows(0..<tensor.rowCount))
        backend.add(part.rows(0..<tensor.rowCount), to: gradient)
        workspace.giveBack(part)
    }

    /// The gradient to add to, zero at first.
    func gradientToAddTo() -> Tensor {
        if let gradient { return gradient }
        let made = newGradient()
        made.fill(0)
        return made
    }

    /// Forgets the gradient, as if the way back had not come here.
    func dropGradient() {
        if let gradientMemory { workspace.giveBack(gradientMemory) }
        (gradient, gradientMemory) = (nil, nil)
    }

    private func newGradient() -> Tensor {
        let memory = workspace.take(width: tensor.rowWidth)
        gradientMemory = memory
        gradient = memory.rows(0..<tensor.rowCount)
        return gradient!
    }
}

/// The way back through a recorded pass: for each operation what turns the gradient of its output into those of its inputs
/// and weights (reverse-mode differentiation).
final class Tape {
    /// The objective, context by context.
    var values: [Int: Double] = [:]
    /// Where gradients of weights are added up; nil if none are wanted.
    let weights: WeightGradients?
    /// Whether blocks keep only what they read, and run again on the way back (Chen et al. 2016).
    let recomputesBlocks: Bool
    /// What counts as constant.
    let frozen: Frozen
    /// Points at which a way back may begin, by their order: what is there, and how much was recorded by then.
    private var seeds: [Int: (node: Node, entries: Int)] = [:]
    private var entries: [(output: Node, back: (Tensor) -> Void)] = []

    init(weights: WeightGradients? = nil, recomputesBlocks: Bool = false, frozen: Frozen = []) {
        self.weights = weights
        self.recomputesBlocks = recomputesBlocks
        self.frozen = frozen
    }

    func record(_ output: Node, _ back: @escaping (_ gradient: Tensor) -> Void) { entries.append((output, back)) }

    func markSeed(_ order: Int, _ node: Node) { seeds[order] = (node, entries.count) }

    /// What is at a point that was marked.
    func seed(_ order: Int) -> Node { seeds[order]!.node }

    /// What was recorded after a marked point, whose way back does not pass it.
    func forgetEntries(behind order: Int) { entries.removeSubrange(seeds[order]!.entries...) }

    /// Goes back from whatever nodes have a gradient by now; what lies behind needs none of the memory in front.
    func rewind() {
        while let entry = entries.popLast() {
            if let gradient = entry.output.gradient { entry.back(gradient) }
        }
    }

    /// Goes back from a marked point, and forgets all gradients, so that it can be done again.
    func rewind(keepingEntriesFrom order: Int) {
        let used = entries[..<seeds[order]!.entries]
        for entry in used.reversed() { if let gradient = entry.output.gradient { entry.back(gradient) } }
        for entry in used { entry.output.dropGradient() }
    }
}

/// What the way back through a pass takes for constants, so that what is left is linear in the residual stream: the local
/// replacement model of Ameisen et al. (2025).
public struct Frozen: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// How much each position looks at each other one.
    public static let attentionPatterns = Frozen(rawValue: 1)
    /// What norms divide by; the subtraction of a mean stays.
    public static let normScales = Frozen(rawValue: 2)
}

/// Sums of gradients of weights, one tensor for each that has any.
final class WeightGradients: @unchecked Sendable {
    private let configuration: TransformerConfiguration
    private(set) var tensors: [WeightName: Tensor] = [:]

    init(_ configuration: TransformerConfiguration) { self.configuration = configuration }

    /// The tensor to add to.
    subscript(name: WeightName) -> Tensor {
        if let found = tensors[name] { return found }
        let made = Tensor(shape: configuration.shape(of: name)!)
        tensors[name] = made
        return made
    }
}
