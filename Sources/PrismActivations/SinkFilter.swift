import PrismCore
import PrismTensor

/// Tells attention sinks, tokens (a context's first, sometimes its second or third) whose activation has a hundred times the
/// norm of others': a dictionary would learn, and its metrics would measure, little else.
public struct SinkFilter: Codable, Hashable, Sendable {
    /// How many times the median norm a sink begins at, unless a run says otherwise.
    public static let usualMultiple = 10.0

    /// Numbers at each hook point, side by side in a vector.
    public let widths: [Int]
    /// The norm at each hook point above which a vector is a sink.
    public let ceilings: [Float]

    package init(widths: [Int], ceilings: [Float]) {
        precondition(widths.count == ceilings.count)
        (self.widths, self.ceilings) = (widths, ceilings)
    }

    /// The same for vectors of some of the hook points alone, by their places among them.
    package func part(_ places: [Int]) -> SinkFilter {
        SinkFilter(widths: places.map { widths[$0] }, ceilings: places.map { ceilings[$0] })
    }

    /// Ceilings at `multiple` times the median norm of those of the source's first vectors that are not zero.
    public init(for source: any ActivationSource, multiple: Double, workers: Workers) throws {
        let sample = Tensor(min(4096, source.vectorCount), source.width)
        try source.read(0..<sample.rowCount, into: sample, workers: workers) { _ in }
        var first = 0
        ceilings = try source.widths.map { width in
            defer { first += width }
            let all = (0..<sample.rowCount).map { norm(sample[$0] + first, width) }
            if let odd = all.firstIndex(where: { !$0.isFinite }) { throw notFinite(vector: odd) }
            let norms = all.filter { $0 > 0 }.sorted()
            guard !norms.isEmpty else {
                throw PrismError.badData(
                    "the first \(sample.rowCount) vectors are all zero, so there is nothing to learn from; read at another hook point or write the file again"
                )
            }
            return Float(multiple) * norms[norms.count / 2]
        }
        widths = source.widths
    }

    /// Said where all the held-out vectors are sinks.
    package var nothingLeft: PrismError {
        let norms = ceilings.map { "\($0)" }.joined(separator: ", ")
        return .usage(
            "all held-out vectors are longer than attention sinks begin (norm \(norms)), so there is none to evaluate on; "
                + "give more data, or raise `norm_limit` in a --config file")
    }

    /// Whether a vector is longer than its ceiling at any hook point.
    public func contains(_ vector: UnsafePointer<Float>) -> Bool {
        var first = 0
        for (width, ceiling) in zip(widths, ceilings) {
            if norm(vector + first, width) > ceiling { return true }
            first += width
        }
        return false
    }
}

private func norm(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var square: Float = 0
    for c in 0..<count { square += x[c] * x[c] }
    return square.squareRoot()
}
