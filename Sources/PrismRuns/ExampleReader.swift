import PrismActivations
import PrismConcepts
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismSpectrum
import PrismTensor

/// Reads the examples of tasks out of a model, in one pass over their contexts: of each example the activation and what every
/// dictionary makes of it, or the means of both over a context.
struct ExampleReader {
    struct DictionarySet: Sendable {
        let name: String
        let dictionary: SparseDictionary
        var isControl = false
    }

    private let model: Transformer
    private let hooks: [HookPoint]
    private let sinks: SinkFilter
    private let sets: [DictionarySet]
    private let workers: Workers
    private var rows: [TextTask.Example: Row] = [:]

    fileprivate struct Row {
        let x: [Float]
        /// By set.
        let codes: [[(latent: Int, value: Float)]]
    }

    /// Contexts of one pass of the model.
    private static let chunk = 32

    init(
        _ model: Transformer, hooks: [HookPoint], sinks: SinkFilter, _ sets: [DictionarySet], workers: Workers
    ) {
        (self.model, self.hooks, self.sinks, self.sets, self.workers) = (model, hooks, sinks, sets, workers)
    }

    /// Reads what all tasks ask for. Attention sinks are left out.
    mutating func read(_ tasks: TextTasks) throws {
        let all = tasks.classifications + tasks.pairs + [tasks.senses?.task, tasks.attributes?.task].compactMap(\.self)
        var wanted = [[TextTask.Example]](repeating: [], count: tasks.contexts.count)
        for example in Set(all.flatMap(\.examples)) { wanted[example.context].append(example) }
        let progress = Progress("reading", total: tasks.contexts.count, unit: "contexts")
        for start in stride(from: 0, to: tasks.contexts.count, by: Self.chunk) {
            try Interrupt.check()
            let range = start..<min(start + Self.chunk, tasks.contexts.count)
            try read(tasks.contexts, range, wanted)
            progress.advance(by: range.count)
        }
        progress.finish()
    }

    private mutating func read(_ contexts: [TokenContext], _ range: Range<Int>, _ wanted: [[TextTask.Example]]) throws {
        let captured = try model.run(
            ForwardRequest(contexts: contexts[range].map(\.tokens), capture: hooks), workers: workers)
        var examples: [(example: TextTask.Example, rows: Range<Int>)] = []
        var chosen: [Int] = []
        for (place, index) in range.enumerated() {
            let (context, used) = captured.used(of: contexts[index], place, hooks, sinks)
            for example in wanted[index] {
                let own =
                    example.position.map { wanted in zip(context.positions, used).filter { $0.0 == wanted }.map(\.1) }
                    ?? used
                guard !own.isEmpty else { continue }
                examples.append((example, chosen.count..<chosen.count + own.count))
                chosen += own
            }
        }
        guard !chosen.isEmpty else { return }
        let x = captured.joined(hooks, chosen)
        let codes = sets.map { $0.dictionary.encode(x, workers: workers) }
        let found = workers.map(examples.count, by: 8) { _, range in
            range.map { Row(mean: x, codes, examples[$0].rows) }
        }.flatMap(\.self)
        for (example, row) in zip(examples, found) { rows[example.example] = row }
    }

    /// A task's examples, and which of them were read: all but those at sinks.
    func examples(_ task: TextTask) throws -> (LabelledExamples, kept: [Int]) {
        let kept = task.examples.indices.filter { rows[task.examples[$0]] != nil }
        let found = kept.map { rows[task.examples[$0]]! }
        let x = Tensor(shape: [found.count, found.first?.x.count ?? 0], found.flatMap(\.x))
        let examples = try LabelledExamples(
            name: task.name, classes: task.classes, x: x,
            isInside: task.isInside.map { inside in kept.map { inside[$0] } }, isTest: kept.map { task.isTest[$0] },
            units: [ExampleUnits(neuronsOf: x)]
                + sets.enumerated().map { place, set in
                    ExampleUnits(
                        set.name, set.dictionary, codes: SparseCodes(found.map { $0.codes[place] }),
                        isControl: set.isControl)
                })
        return (examples, kept)
    }
}

extension ExampleReader.Row {
    /// The means over some rows.
    fileprivate init(mean x: Tensor, _ codes: [SparseCodes], _ rows: Range<Int>) {
        self.x = x.rows(rows).columnMeans.map(Float.init)
        self.codes = codes.map { codes in
            var sums: [Int: Float] = [:]
            for row in rows { for (latent, value) in codes[row] { sums[latent, default: 0] += value } }
            return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value / Float(rows.count)) }
        }
    }
}
