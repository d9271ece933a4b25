import PrismConcepts
import PrismCore
import PrismMetrics
import PrismTensor

/// Measures sets of units in one pass over labelled vectors. Memory grows with the units and the concepts, not with the
/// vectors.
///
/// ```swift
/// let builder = try SpectrumBuilder([neurons, latents], concepts: labeller.concepts, mean: mean, contexts: contexts.count)
/// for chunk in contexts.chunks(ofCount: 32) { builder.add(try labelled(chunk), workers: workers) }
/// let spectrum = builder.finish(workers: workers)
/// ```
public final class SpectrumBuilder {
    public let sets: [UnitSet]
    private let concepts: [Concept]
    private let mean: [Double]
    private let expected: Int
    private let tallies: [UnitTally]
    private var conceptTallies: [ConceptTally]
    private let geometry: GeometryBuilder?
    private var samples: ProbeSamples
    private var contexts = 0

    /// Contexts that fill every group of the intervals.
    public static let leastContexts = 2 * Jackknife.groups

    /// - mean: of the vectors, or of a sample of them, [width]. contexts: how many will be added. geometry: of the first
    ///   set of latents, with the same mean, to be filled in the same pass.
    /// - Throws: `PrismError.usage` if there are too few contexts for an interval.
    public init(
        _ sets: [UnitSet], concepts: [Concept], mean: [Double], contexts: Int, geometry: GeometryBuilder? = nil
    ) throws {
        guard contexts >= Self.leastContexts else {
            throw PrismError.usage(
                "intervals need at least \(Self.leastContexts) contexts, and there are \(contexts): give the text of \(Self.leastContexts - contexts) more"
            )
        }
        self.sets = sets
        self.concepts = concepts
        self.mean = mean
        self.geometry = geometry
        expected = contexts
        tallies = sets.map {
            UnitTally(
                units: $0.count, concepts: concepts.count, groups: Jackknife.groups,
                width: $0.permutesLabels ? nil : mean.count, hasDetail: !$0.isControl)
        }
        samples = ProbeSamples(concepts: concepts.count)
        conceptTallies = (0..<Jackknife.groups).map { _ in ConceptTally(concepts: concepts.count) }
    }

    private func group(_ context: Int) -> Int { context * Jackknife.groups / expected }

    /// Adds contexts, in order.
    public func add(_ chunk: [LabelledVectors], workers: Workers) {
        samples.add(chunk)
        var rest = chunk[...]
        while !rest.isEmpty {
            let group = group(contexts)
            let own = rest.enumerated().prefix { self.group(contexts + $0.offset) == group }.map(\.element)
            add(own, group: group, workers)
            contexts += own.count
            rest = rest.dropFirst(own.count)
            if contexts == expected || self.group(contexts) != group { tallies.forEach { $0.close(group: group) } }
        }
    }

    private func add(_ chunk: [LabelledVectors], group: Int, _ workers: Workers) {
        let rows = chunk.reduce(0) { $0 + $1.x.rowCount }
        guard rows > 0 else { return }
        let x = Tensor(joining: chunk.map(\.x))
        let centred = x.minus(row: mean)
        let embeddings = centred.copy()
        let places = chunk.flatMap { part in part.positions.map { (context: Int32(part.context), position: $0) } }
        embeddings.normaliseRows()
        let labels = ConceptRows(chunk.map(\.scores))
        conceptTallies[group].add(labels)
        let permuted = sets.contains(where: \.permutesLabels) ? labels.rotated(by: rows / 2) : labels
        var responses: [String: UnitResponses] = [:]
        for (set, tally) in zip(sets, tallies) {
            let own = responses[set.origin] ?? set.responses(to: x, workers: workers)
            responses[set.origin] = own
            if set.areLatents, set.name == sets.first(where: \.areLatents)?.name {
                geometry?.add(chunk, own, centred: centred, workers: workers)
            }
            tally.add(
                own, set.permutesLabels ? permuted : labels, embeddings: embeddings, places: places, group: group,
                workers: workers)
        }
    }

    /// What was found. - precondition: all contexts were added.
    public func finish(workers: Workers) -> Spectrum {
        precondition(contexts == expected, "\(contexts) of \(expected) contexts were added")
        let total = conceptTallies.dropFirst().reduce(conceptTallies[0], +)
        let moments = ConceptMoments(total)
        let without = conceptTallies.map { ConceptMoments(total - $0) }
        let parts = zip(sets, tallies).map { set, tally in
            let units = workers.map(set.count, by: 16) { _, range in
                range.map { tally.metrics($0, moments, without: without) }
            }
            return Spectrum.Part(
                name: set.name, isControl: set.isControl, units: units.flatMap(\.self),
                best: tally.bestUnits(conceptTallies, moments, without: without, workers),
                probes: set.isControl ? [] : samples.probes(of: set, workers: workers))
        }
        return Spectrum(
            vectors: total.rows, contexts: contexts,
            concepts: zip(concepts, total.counts).map { Spectrum.ConceptCount(concept: $0, vectors: Int($1)) },
            parts: parts)
    }
}

extension UnitTally {
    /// For each concept the unit that correlates best with it on the contexts of even groups, measured on those of odd ones.
    func bestUnits(
        _ conceptTallies: [ConceptTally], _ moments: ConceptMoments, without: [ConceptMoments], _ workers: Workers
    )
        -> [Spectrum.BestUnit?]
    {
        func half(_ parity: Int) -> (Int) -> Bool { { $0 % 2 == parity } }
        let halves = (0..<2).map { parity in
            let parts = conceptTallies.indices.filter(half(parity)).map { conceptTallies[$0] }
            return ConceptMoments(parts.dropFirst().reduce(parts[0], +))
        }
        let perUnit = workers.map(units, by: 16) { _, range in range.map { response($0, halves[0], where: half(0)) } }
            .flatMap { $0.map { response in (0..<concepts).map(response.correlation) } }
        return (0..<concepts).map { c in
            guard halves.allSatisfy({ $0.covariances[c, c] > 0 }),
                let unit = perUnit.indices.max(by: { perUnit[$0][c] < perUnit[$1][c] }), perUnit[unit][c] > 0
            else { return nil }
            return Spectrum.BestUnit(
                unit: unit, correlation: response(unit, halves[1], where: half(1)).correlation(c),
                detection: detection(unit, c, moments, without: without),
                specificity: specificity(unit, concept: c))
        }
    }
}
