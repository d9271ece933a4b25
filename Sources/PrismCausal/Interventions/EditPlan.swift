import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Synchronization

/// Edits made ready for one model: each pass takes the plan's interventions.
///
/// All edits of one place read the activation as it comes, before any of them has changed it, and their changes add up: so
/// two latents are changed independently of each other, and it does not matter which is named first. Where nothing is
/// changed, no bit is.
public struct EditPlan: Sendable {
    /// In the order of the pass.
    public let interventions: [Intervention]
    private let selection: Selection

    /// How many positions the edits touched so far, each.
    private final class Selection: Sendable {
        let counts: Mutex<[Int]>
        init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }
    }

    /// What edits may need besides the model.
    public struct Surroundings: Sendable {
        public var dictionaries: [PlacedDictionary] = []
        /// Text whose activations means are taken of and samples drawn from.
        public var reference: [TokenContext] = []
        /// Tokens of each prompt in the request, of which there is one for `generated`; the others are beyond any.
        public var promptLengths: [Int] = []
        /// Tokens of another prompt.
        public var tokens: @Sendable (_ prompt: String) throws -> [Int32] = { _ in [] }
        /// A token's text.
        public var text: @Sendable (_ token: Int32) -> String = { _ in "" }
        public var seed: UInt64 = 0
        public var workers = Workers()

        public init() {}
    }

    /// - Throws: `PrismError.usage` for units that the model or the dictionaries do not have, and for a reference that is
    ///   needed and empty.
    public init(_ edits: [Edit], _ model: Transformer, _ surroundings: Surroundings = Surroundings()) throws {
        let selection = Selection(edits.count)
        let parts = try edits.enumerated().map { number, edit in
            let coordinates = try edit.coordinates(model.configuration, surroundings.dictionaries)
            return Part(
                number: number, edit: edit, coordinates: coordinates,
                source: try Values(edit.change, coordinates, model, surroundings),
                selects: try Self.selector(edit.positions, surroundings))
        }
        self.selection = selection
        let places = Set(parts.map { [$0.coordinates.reads, $0.coordinates.writes] })
        interventions = places.sorted { "\($0)" < "\($1)" }.flatMap { place in
            let own = parts.filter { [$0.coordinates.reads, $0.coordinates.writes] == place }
            let record: @Sendable (Int, Int) -> Void = { number, count in
                selection.counts.withLock { $0[number] += count }
            }
            if place[0] == place[1] {
                return [
                    Intervention(at: place[0]) { x, contexts in
                        Part.write(own, own.map { $0.changes(reading: x, contexts) }, to: x, contexts, record)
                    }
                ]
            }
            // A transcoder's latents are read before they are written: what is to be written waits, context by context.
            let waiting = Waiting()
            return [
                Intervention(at: place[0]) { x, contexts in
                    waiting.put(own.map { $0.changes(reading: x, contexts) }, contexts)
                },
                Intervention(at: place[1]) { y, contexts in
                    Part.write(own, waiting.take(contexts), to: y, contexts, record)
                },
            ]
        }
    }

    /// - Throws: `PrismError.usage` if an edit touched no position of all the passes so far.
    public func requireSelection(_ edits: [Edit]) throws {
        for (edit, count) in zip(edits, selection.counts.withLock { $0 }) where count == 0 {
            throw PrismError.usage("the edit of \(edit.units.description) selects no position of the prompt")
        }
    }

    private static func selector(
        _ positions: Edit.Positions, _ surroundings: Surroundings
    ) throws
        -> @Sendable (_ context: Int, _ position: Int, _ token: Int32, _ values: UnsafeBufferPointer<Float>) -> Bool
    {
        let lengths = surroundings.promptLengths
        @Sendable func length(_ context: Int) -> Int { context < lengths.count ? lengths[context] : .max }
        switch positions {
        case .all: return { _, _, _, _ in true }
        case .prompt: return { context, position, _, _ in position < length(context) }
        case .generated: return { context, position, _, _ in position >= length(context) }
        case .last: return { context, position, _, _ in position == length(context) - 1 }
        case .active: return { _, _, _, values in values.contains { $0 > 0 } }
        case .numbers(let ranges):
            return { context, position, _, _ in
                ranges.contains {
                    $0.contains(position) || $0.upperBound < 0 && $0.contains(position - length(context))
                }
            }
        case .tokens(let pattern):
            let text = surroundings.text
            let matches = Mutex<[Int32: Bool]>([:])
            return { _, _, token, _ in
                matches.withLock { known in
                    if let known = known[token] { return known }
                    let found = (try? Regex(pattern).firstMatch(in: text(token))) != nil
                    known[token] = found
                    return found
                }
            }
        }
    }

    /// One edit at its place.
    private struct Part: Sendable {
        let number: Int
        let edit: Edit
        let coordinates: Coordinates
        let source: Values
        let selects: @Sendable (Int, Int, Int32, UnsafeBufferPointer<Float>) -> Bool

        struct Changes: Sendable {
            /// c' − c of each row that is touched, nil for the others.
            var rows: [[Float]?]
            /// Of a dictionary whose error goes what it says of each row; nil of rows that are not touched, and of attention
            /// sinks, of which a dictionary knows nothing.
            var reconstruction: [Tensor?]
        }

        func changes(reading x: Tensor, _ contexts: [ContextRows]) -> Changes {
            let values = coordinates.values(of: x)
            var rows = [[Float]?](repeating: nil, count: x.rowCount)
            for context in contexts {
                for (place, row) in context.rows.enumerated() {
                    let position = context.firstPosition + place
                    let own = UnsafeBufferPointer(start: values[row], count: values.rowWidth)
                    guard selects(context.index, position, context.tokens[place], own) else { continue }
                    rows[row] = own.indices.map { column in
                        source.value(own[column], context: context.index, position: position, column: column)
                            - own[column]
                    }
                }
            }
            var reconstruction = [Tensor?](repeating: nil, count: x.rowCount)
            if !edit.keepsError, case .latents(_, let placed) = coordinates {
                let all = Tensor(x.rowCount, placed.dictionary.outputWidth)
                placed.dictionary.decode(placed.encode(x), of: x, into: all)
                for row in rows.indices where rows[row] != nil && placed.sinks?.contains(x[row]) != true {
                    reconstruction[row] = all.rows(row..<row + 1)
                }
            }
            return Changes(rows: rows, reconstruction: reconstruction)
        }

        /// Writes what the parts of one place make of it: first reconstructions, so that none wipes out another's change.
        static func write(
            _ parts: [Part], _ changes: [Changes], to y: Tensor, _ contexts: [ContextRows], _ record: (Int, Int) -> Void
        ) {
            let rows = contexts.flatMap(\.rows)
            for row in rows {
                for changes in changes {
                    if let other = changes.reconstruction[row] { y[row].update(from: other.data, count: y.rowWidth) }
                }
                for (part, changes) in zip(parts, changes) {
                    if let change = changes.rows[row] { part.coordinates.add(change, to: y[row]) }
                }
            }
            for (part, changes) in zip(parts, changes) { record(part.number, rows.count { changes.rows[$0] != nil }) }
        }
    }

    /// What a transcoder's latents will write, between the two points of a pass.
    private final class Waiting: Sendable {
        private let changes = Mutex<[Int: [Part.Changes]]>([:])

        func put(_ new: [Part.Changes], _ contexts: [ContextRows]) {
            changes.withLock { $0[contexts[0].index] = new }
        }

        func take(_ contexts: [ContextRows]) -> [Part.Changes] {
            changes.withLock { $0.removeValue(forKey: contexts[0].index)! }
        }
    }
}

extension Edit.Units: CustomStringConvertible {
    public var description: String {
        func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
        return switch self {
        case .latents(let latents, _): "latents \(list(latents))"
        case .neurons(let neurons, let layer): "neurons \(list(neurons)) of layer \(layer)"
        case .heads(let heads, let layer): "heads \(list(heads)) of layer \(layer)"
        case .direction(_, let hook): "the direction at \(hook)"
        }
    }
}
