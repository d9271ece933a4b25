import Algorithms
import PrismCore
import PrismModels
import PrismTensor

/// Activations at one or several hook points, side by side, computed from token contexts when they are asked for; nothing touches the disk.
public struct ModelActivations: ActivationSource {
    public let model: Transformer
    public let hooks: [HookPoint]
    public let contexts: [TokenContext]
    public let widths: [Int]
    public let vectorCount: Int
    /// First vector of each context.
    private let starts: [Int]

    public init(_ model: Transformer, hooks: [HookPoint], contexts: [TokenContext]) {
        self.model = model
        self.hooks = hooks
        self.contexts = contexts
        widths = hooks.map(model.configuration.width(at:))
        starts = contexts.reduce(into: [0]) { $0.append($0.last! + $1.positions.count) }
        vectorCount = starts.last!
    }

    /// Tokens that go through the model in one call: a few blocks for each thread.
    private static let callTokens = 8192

    public func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws {
        precondition(out.shape == [range.count, width])
        var index = starts.partitioningIndex { $0 > range.lowerBound } - 1
        var call: Range<Int> = index..<index
        var tokens = 0
        while index < contexts.count, starts[index] < range.upperBound {
            tokens += contexts[index].tokens.count
            index += 1
            call = call.lowerBound..<index
            if tokens >= Self.callTokens || index == contexts.count || starts[index] >= range.upperBound {
                let filled = try run(call, range, into: out, workers)
                try progress(filled)
                (call, tokens) = (index..<index, 0)
            }
        }
    }

    /// Runs some contexts and copies those of their vectors that lie in `range`.
    private func run(_ call: Range<Int>, _ range: Range<Int>, into out: Tensor, _ workers: Workers) throws -> Int {
        let request = ForwardRequest(contexts: contexts[call].map(\.tokens), capture: hooks)
        let captured = try model.run(request, workers: workers)
        var filled = 0
        for (offset, index) in call.enumerated() {
            let first = captured.rows(ofContext: offset).lowerBound
            for (i, position) in contexts[index].positions.enumerated() where range.contains(starts[index] + i) {
                var place = out[starts[index] + i - range.lowerBound]
                for (hook, width) in zip(hooks, widths) {
                    place.update(from: captured[hook][first + Int(position)], count: width)
                    place += width
                }
                filled += 1
            }
        }
        return filled
    }
}
