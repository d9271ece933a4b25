import Algorithms
import PrismCore
import PrismModels
import PrismTensor

/// A prompt's run and its baseline, and how m is divided among the units of some places.
package struct AttributedRun: Sendable {
    let model: Transformer
    package let question: AttributionQuestion
    package let places: [AttributionPlace]
    /// m.
    package let value: Double
    let clean: CapturedActivations
    /// By place.
    let differences: [UnitDifferences]
    let workers: Workers

    /// - Throws: `PrismError.usage` for a token or a length that the model does not have.
    package init(
        _ model: Transformer, _ question: AttributionQuestion, _ places: [AttributionPlace], workers: Workers
    ) throws {
        (self.model, self.question, self.places, self.workers) = (model, question, places, workers)
        let hooks = places.flatMap { [$0.reads, $0.writes] }
        func run(_ contexts: [[Int32]], _ hooks: [HookPoint]) throws -> CapturedActivations {
            try model.run(ForwardRequest(contexts: contexts, capture: Array(hooks.uniqued())), workers: workers)
        }
        let starts = places.map { model.start(before: [$0.writes]) }
        let clean = try run([question.prompt], hooks + starts + model.pastHooks(from: .embedding) + [.finalNorm])
        let (baseline, isMean): (CapturedActivations?, Bool) =
            switch question.baseline {
            case .zero: (nil, false)
            case .mean(let contexts): (try run(contexts, hooks), true)
            case .prompt(let other): (try run([other], hooks), false)
            }
        self.clean = clean
        differences = workers.map(places.count, by: 1) { _, place in
            UnitDifferences(places[place.lowerBound], clean, baseline: baseline, isMean: isMean)
        }
        let last = clean[.finalNorm].rows(question.prompt.count - 1..<question.prompt.count)
        value = Self.values(last, model, question, workers)[0]
    }

    /// All that differ from their baseline.
    package var units: [AttributionUnit] {
        places.indices.flatMap { place in
            question.prompt.indices.flatMap { position in
                differences[place].units(at: position).map {
                    AttributionUnit(place: place, index: $0, position: position)
                }
            }
        }
    }

    /// m of runs.
    /// - normed: the final norm's output after each prompt, [runs, width].
    static func values(
        _ normed: Tensor, _ model: Transformer, _ question: AttributionQuestion, _ workers: Workers
    ) -> [Double] {
        workers.map(normed.rowCount, by: 16) { _, rows in
            let logits = Tensor(rows.count, model.configuration.vocabularySize)
            model.logits(normed.rows(rows), into: logits)
            return (0..<rows.count).map { question.value(logits[$0]) }
        }.flatMap(\.self)
    }
}
