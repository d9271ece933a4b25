import Foundation
import PrismCore
import PrismTensor

/// Vectors made of known features, each from a random stream of its own, so that any range can be had at any time.
///
/// **Which features are active.** Given the copula's common g, features without a parent are independent: feature i is
/// active with the probability Φ(πᵢ), πᵢ = (fᵢ·g − θᵢ) / √(1 − ‖fᵢ‖²), Φ(−θᵢ) = its frequency. Asking each with a random
/// number of its own would take as long as all the rest. Instead each has a stretch of length
/// λᵢ = −log(1 − Φ(πᵢ)) on a line, and is active if a point of a Poisson process of rate 1 falls into it, which has just that
/// probability. Points jump from one to the next over groups of features, of which only the largest πᵢ is looked at, because
/// it bounds the others' stretches. Children are asked one by one, those of active parents alone.
public struct SyntheticActivations: ActivationSource {
    /// Vectors of one side are never those of the other.
    public enum Side: String, Sendable {
        case training
        case heldOut = "held-out"
    }

    public let features: SyntheticFeatures
    public let vectorCount: Int
    private let side: Side
    private let rank: Int
    /// (fᵢ, −θᵢ) / √(1 − ‖fᵢ‖²), so that its product with (g, 1) is πᵢ; [features, rank + 1].
    private let loadings: Tensor
    /// Features without a parent, and their loadings, up to whole groups with ones that never are active.
    private let roots: [Int32]
    private let rootLoadings: LinearWeight
    private let children: [[Int32]]
    private let backend = CPUBackend()

    private static let blockRows = 16
    /// Features of which one bounds the others.
    private static let groupSize = 16

    public init(_ features: SyntheticFeatures, _ side: Side, vectorCount: Int) {
        self.features = features
        self.side = side
        self.vectorCount = vectorCount
        rank = features.factors.rowWidth
        let loadings = Tensor(features.directions.rowCount, rank + 1)
        for i in 0..<loadings.rowCount {
            let own = (1 - features.factors.norm(ofRow: i) * features.factors.norm(ofRow: i)).squareRoot()
            for c in 0..<rank { loadings[i][c] = features.factors[i][c] / own }
            loadings[i][rank] = Normal.quantile(Double(features.probabilities[i])) / own
        }
        self.loadings = loadings
        roots = (0..<Int32(loadings.rowCount)).filter { features.parents[Int($0)] < 0 }
        var children = [[Int32]](repeating: [], count: loadings.rowCount)
        for (child, parent) in features.parents.enumerated() where parent >= 0 {
            children[Int(parent)].append(Int32(child))
        }
        self.children = children
        let size = Self.groupSize
        let ofRoots = Tensor((roots.count + size - 1) / size * size, rank + 1)
        for row in roots.count..<ofRoots.rowCount { ofRoots[row][rank] = -1000 }
        for (row, i) in roots.enumerated() { ofRoots[row].update(from: loadings[Int(i)], count: rank + 1) }
        rootLoadings = backend.prepare(ofRoots, precision: .fp32)
    }

    public var widths: [Int] { [features.directions.rowWidth] }

    public func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws {
        precondition(out.shape == [range.count, width])
        let scratch = scratch(for: workers)
        for start in stride(from: 0, to: range.count, by: 4096) {
            let portion = out.rows(start..<min(start + 4096, range.count))
            workers.forEachRange(portion.rowCount, by: Self.blockRows) { worker, rows in
                _ = sample(rows, from: range.lowerBound + start, into: portion.rows(rows), scratch[worker])
            }
            try progress(portion.rowCount)
        }
    }

    /// The true features of vectors `range`, with their values aᵢ.
    public func codes(_ range: Range<Int>, workers: Workers) -> SparseCodes {
        let scratch = scratch(for: workers)
        return SparseCodes(
            joining: workers.map(range.count, by: Self.blockRows) { worker, rows in
                sample(rows, from: range.lowerBound, into: nil, scratch[worker])
            })
    }

    /// Room for the roots' preactivations, for each thread.
    private func scratch(for workers: Workers) -> [Tensor] {
        (0..<workers.count).map { _ in Tensor(Self.blockRows, rootLoadings.outputCount) }
    }

    /// - range: numbers of vectors, counted from `first`. x: where they go, [range, width].
    private func sample(_ range: Range<Int>, from first: Int, into x: Tensor?, _ scratch: Tensor) -> SparseCodes {
        let seed = features.configuration.seed
        var generators = range.map { SeededGenerator(seed: seed, stream: "synthetic \(side.rawValue) \(first + $0)") }
        let (common, preactivations) = (Tensor(range.count, rank + 1), scratch.rows(0..<range.count))
        for t in 0..<range.count {
            for c in 0..<rank { common[t][c] = generators[t].normal() }
            common[t][rank] = 1
        }
        backend.linear(common, rootLoadings, into: preactivations)
        let rows = withExtendedLifetime(common) {
            (0..<range.count).map { active(common[$0], preactivations[$0], &generators[$0]) }
        }
        let codes = SparseCodes(rowCount: range.count, slots: max(1, rows.map(\.count).max() ?? 0))
        for (t, row) in rows.enumerated() {
            let first = t * codes.slots
            codes.counts[t] = Int32(row.count)
            for (i, active) in row.enumerated() {
                (codes.indices[first + i], codes.values[first + i]) = (active.feature, active.value)
            }
            guard let x else { continue }
            backend.sumRows(
                of: features.directions, rows: UnsafeBufferPointer(start: codes.indices + first, count: row.count),
                weights: codes.values + first, start: features.bias.data, into: x[t])
            let noise = Float(features.configuration.noise)
            if noise > 0 { for c in 0..<width { x[t][c] += noise * generators[t].normal() } }
        }
        return codes
    }

    private typealias Active = (feature: Int32, value: Float)

    /// The active features of one vector, ascending.
    /// - common: (g, 1). preactivations: πᵢ of the roots.
    private func active(
        _ common: UnsafePointer<Float>, _ preactivations: UnsafePointer<Float>, _ generator: inout SeededGenerator
    ) -> [Active] {
        var active: [Active] = []
        forEachActiveRoot(preactivations, &generator) { feature, generator in
            let value = magnitude(feature, &generator)
            if value > 0 { active.append((feature, value)) }
        }
        var visited = 0
        while visited < active.count {
            let parent = active[visited]
            visited += 1
            let siblings = active.count
            let scales = features.configuration.hierarchy?.scalesByParent == true
            let scale = scales ? parent.value / features.means[Int(parent.feature)] : 1
            for child in children[Int(parent.feature)] {
                let preactivation = backend.dot(loadings.data + Int(child) * (rank + 1), common, count: rank + 1)
                guard Normal.hazard(preactivation, exceeds: Self.step(&generator)) else { continue }
                let value = scale * magnitude(child, &generator)
                if value > 0 { active.append((child, value)) }
            }
            if features.exclusive[Int(parent.feature)], active.count > siblings + 1 {
                active[siblings] = active[Int.random(in: siblings..<active.count, using: &generator)]
                active.removeLast(active.count - siblings - 1)
            }
        }
        return active.sorted { $0.feature < $1.feature }
    }

    private func magnitude(_ feature: Int32, _ generator: inout SeededGenerator) -> Float {
        features.means[Int(feature)] + features.deviations[Int(feature)] * generator.normal()
    }

    private func forEachActiveRoot(
        _ preactivations: UnsafePointer<Float>, _ generator: inout SeededGenerator,
        _ body: (Int32, inout SeededGenerator) -> Void
    ) {
        // Where the next point lies, from the start of the group.
        var point = Self.step(&generator)
        let size = Self.groupSize
        for start in stride(from: 0, to: roots.count, by: size) {
            let bound = Normal.hazardBound(Self.largest(preactivations + start))
            var last = -1
            while point < bound * Double(size) {
                let i = min(Int(point / bound), size - 1)
                if i != last, Normal.hazard(preactivations[start + i], exceeds: point - Double(i) * bound) {
                    last = i
                    body(roots[start + i], &generator)
                }
                point += Self.step(&generator)
            }
            point -= bound * Double(size)
        }
    }

    /// The largest of a group, in four lanes: a chain of comparisons would be the slowest part of all.
    private static func largest(_ group: UnsafePointer<Float>) -> Float {
        let lanes = UnsafeRawPointer(group)
        var top = lanes.loadUnaligned(as: SIMD4<Float>.self)
        for i in stride(from: 4, to: groupSize, by: 4) {
            let next = lanes.loadUnaligned(fromByteOffset: 4 * i, as: SIMD4<Float>.self)
            top.replace(with: next, where: next .> top)
        }
        let (a, b) = (top[0] > top[1] ? top[0] : top[1], top[2] > top[3] ? top[2] : top[3])
        return a > b ? a : b
    }

    /// From one point of a Poisson process of rate 1 to the next.
    private static func step(_ generator: inout SeededGenerator) -> Double { -log(1 - Double(generator.uniform())) }
}

/// The standard normal distribution.
private enum Normal {
    /// Φ(x).
    static func distribution(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

    /// Φ⁻¹(p) by bisection, within ±10.
    static func quantile(_ p: Double) -> Float {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if distribution(middle) < p { low = middle } else { high = middle }
        }
        return Float(high)
    }

    /// Whether −log(1 − Φ(x)), beyond 8 as at 8, exceeds y. The table mostly tells.
    static func hazard(_ x: Float, exceeds y: Double) -> Bool {
        let place = place(x)
        if y >= table[place + 1] { return false }
        return y < table[place] || y < hazard(Double(min(x, 8)))
    }

    /// No less than the hazard at x.
    static func hazardBound(_ x: Float) -> Double { table[place(x) + 1] }

    private static func hazard(_ x: Double) -> Double { -log(distribution(-x)) }
    private static func place(_ x: Float) -> Int { Int((min(max(x, -8), 8) + 8) * 16) }

    /// The hazard at each sixteenth from −8, below which it is nothing; from 8 on the same.
    private static let table = [0] + (1...257).map { hazard(min(8, Double($0) / 16 - 8)) }
}
