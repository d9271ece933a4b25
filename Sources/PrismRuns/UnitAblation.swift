import PrismActivations
import PrismConcepts
import PrismCore
import PrismMetrics
import PrismModels
import PrismSpectrum
import PrismTensor

/// Takes units of a spectrum away from a model, one at a time, to see where its predictions change.
struct UnitAblation {
    let model: Transformer
    /// Where units are read, and where latents write.
    let reads, writes: [HookPoint]
    let sinks: SinkFilter
    let labeller: ConceptLabeller
    let workers: Workers

    /// Contexts that every unit is taken away from.
    private static let contextCount = 6

    /// - sets: of which units are taken. spectrum: their concepts. count: units of each set, drawn from those that are active in
    ///   the contexts.
    func localisations(
        of sets: [UnitSet], _ spectrum: Spectrum, _ contexts: [TokenContext], count: Int, seed: UInt64
    ) throws -> [Localisation] {
        let chosen = Array(contexts.prefix(Self.contextCount))
        let pass = try ReplaceablePass(
            model, chosen, replacing: [reads, writes], capture: reads + writes, workers: workers)
        let (x, y) = (pass.clean.joined(reads, pass.rows), pass.clean.joined(writes, pass.rows))
        // At sinks everything is large and nothing is a feature.
        let used = (0..<x.rowCount).filter { !sinks.contains(x[$0]) }
        let scores = Tensor(
            joining: chosen.map { labeller.scores($0).gathered($0.positions.map(Int.init)) })
        let progress = Progress("taking units away", total: sets.count * count, unit: "units")
        let found = try sets.map { set in
            let units = RemovableUnits(set, x, workers: workers)
            let measured = spectrum.part(set.name)?.units.filter { $0.detection != nil }.map(\.unit) ?? []
            var generator = SeededGenerator(seed: seed, stream: "units of \(set.name)")
            let drawn = measured.shuffled(using: &generator).lazy
                .filter { unit in used.contains { units.responses(of: unit)[$0] > 0 } }.prefix(count)
            let results = try drawn.map { unit -> Localisation.Unit in
                try Interrupt.check()
                let (hooks, values) = set.areLatents ? (writes, y) : (reads, x)
                let changed = units.removing(unit, from: values)
                for row in 0..<x.rowCount where sinks.contains(x[row]) {
                    changed[row].update(from: values[row], count: values.rowWidth)
                }
                let divergences = pass.divergences(try pass.finalNorm(replacing: hooks, by: changed))
                let responses = units.responses(of: unit)
                let concept = spectrum.part(set.name)?.units[unit].detection?.concept
                progress.advance()
                return Localisation.Unit(
                    unit, responses: used.map { responses[$0] }, divergences: used.map { divergences[$0] },
                    scores: concept.map { concept in used.map { scores[$0][concept] } })
            }
            return Localisation(name: set.name, tokens: used.count, units: results)
        }
        progress.finish()
        return found
    }
}
