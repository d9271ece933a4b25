import Foundation
import PrismActivations
import PrismConcepts
import PrismModels
import PrismTensor
import Testing

/// Tasks that are found in texts of which everything is known.
@Suite struct TextTasksTests {
    private static let english = [
        "The old harbour was the first place that he knew, and it was not far from the house with the green door.",
        "They said that the storm was the last of all, but there were no boats on the water and nobody was hit by it.",
        "She would walk to the end of the pier with her dog, and then she was back for tea at 5 with the others of the town.",
        "The sand and the salt of the sea, the sail on the ship, the shore and the side of the sky with the snow of the storm.",
        "The song and the sound of the street, the stone and the sign, and the sort of salt that was in the sail of the ship.",
        "The cake and the card in the car, the call of the camp, the cat on the chair, and the chance of the church in the city.",
        "The class and the clock, the cloud and the coat, the cold of the corn, and the care that is in the call of the camp.",
        "It is not easy to say what the man in the old hat had in his hand, for the war was near and the light was thin.",
    ]
    private static let german = [
        "Die Frau ging mit dem Hund an das Ende der Mauer und sah auf das Wasser, das nicht sehr tief war und kalt ist.",
        "Der Mann hat die Hand auf den Tisch gelegt und sich nicht bewegt, bis die anderen mit dem Brot und dem Tee kamen.",
        "Es war ein warmer Tag, und die Kinder wollten in der Stadt ein Eis, das sie auf der Bank mit dem Vater essen.",
    ]

    private static let tones = [" It was the best of all days.", " It was the worst day and all was lost."]

    /// Documents 0 … 239 are English, 240 … 479 German; every second one has a number, and of the English ones two in four praise.
    private static let texts = (0..<480).map { number -> String in
        let own = number < 240 ? english : german
        return own[number % own.count] + " " + own[(number / own.count + 1) % own.count]
            + (number < 240 ? tones[number / 2 % 2] : "") + (number % 2 == 0 ? " \(1000 + number)." : "")
    }

    private static let built = Result {
        try Labelled.withLabeller(texts) { labeller, contexts in
            try TextTasks(
                contexts, labeller: labeller, tokenizer: Labelled.tokenizer.get(), seed: 1, workers: Workers(count: 2))
        }
    }

    private func token(_ tasks: TextTasks, _ example: TextTask.Example) throws -> String {
        let position = try #require(example.position)
        return try Labelled.tokenizer.get().text(of: tasks.contexts[example.context].tokens[Int(position)])
    }

    @Test func languagesAreToldByTheText() throws {
        let tasks = try Self.built.get()
        let task = try #require(tasks.classifications.first { $0.name == "language" })
        #expect(task.classes == ["English", "German"])
        for (place, example) in task.examples.enumerated() {
            #expect(example.position == nil)
            #expect(task.isInside[0][place] == (tasks.contexts[example.context].document < 240))
            #expect(task.isInside[0][place] != task.isInside[1][place])
        }
        // A document is either fitted on or tested on.
        let sides = [false, true].map { side in
            Set(
                task.examples.indices.filter { task.isTest[$0] == side }.map {
                    tasks.contexts[task.examples[$0].context].document
                })
        }
        #expect(sides[0].isDisjoint(with: sides[1]) && !sides[1].isEmpty)
    }

    @Test func wordsAreMaskedBeforeTheirToneIsAskedFor() throws {
        let tasks = try Self.built.get()
        let task = try #require(tasks.classifications.first { $0.name.hasPrefix("sentiment") })
        for example in task.examples {
            let context = tasks.contexts[example.context]
            let text = try Labelled.tokenizer.get().decode(Array(context.tokens.dropFirst()))
            for word in ["best", "worst", "lost"] { #expect(!text.contains(" \(word) ")) }
            #expect(text.contains(" …") && context.positions.count < context.tokens.count - 1)
        }
    }

    @Test func lettersAreTestedOnOtherWords() throws {
        let tasks = try Self.built.get()
        let task = try #require(tasks.classifications.first { $0.name == TextTasks.letters })
        var words = [false: Set<String>(), true: Set<String>()]
        for (place, example) in task.examples.enumerated() {
            let word = try token(tasks, example)
            #expect(word.hasPrefix(" "))
            let letter = try #require(task.classes.indices.first { task.isInside[$0][place] })
            #expect(word.dropFirst().hasPrefix(task.classes[letter]))
            words[task.isTest[place]]!.insert(word)
        }
        #expect(words[false]!.isDisjoint(with: words[true]!))
    }

    @Test func bothLabelsOfAPairAreSeenInTheText() throws {
        let tasks = try Self.built.get()
        let task = try #require(tasks.pairs.first { $0.classes.contains("number: number") })
        let number = task.classes.firstIndex(of: "number: number")!
        for (place, example) in task.examples.enumerated() {
            let text = try Labelled.tokenizer.get().decode(tasks.contexts[example.context].tokens)
            #expect(task.isInside[number][place] == text.contains { $0.isNumber })
        }
    }

    @Test func aWordHasTheSenseOfItsContext() throws {
        let tasks = try Self.built.get()
        let senses = try #require(tasks.senses)
        #expect(Set(senses.task.classes).isSuperset(of: ["war", "hat", "in"]))
        for (place, example) in senses.task.examples.enumerated() {
            let word = try #require(senses.task.classes.indices.first { senses.task.isInside[$0][place] })
            #expect(try token(tasks, example) == " " + senses.task.classes[word])
            #expect((senses.senses[place] == 0) == (tasks.contexts[example.context].document < 240))
        }
    }

    @Test func attributesAreThoseOfTheWord() throws {
        let tasks = try Self.built.get()
        let (task, attributes) = try #require(tasks.attributes)
        #expect(attributes.map(\.name) == ["language", "casing", "first letter"])
        for (place, example) in task.examples.enumerated() {
            let word = try token(tasks, example).dropFirst()
            let values = try attributes.map { attribute in
                try #require(attribute.values.first { task.isInside[$0][place] })
            }
            #expect(
                task.classes[values[0]]
                    == (tasks.contexts[example.context].document < 240 ? "language: English" : "language: German"))
            #expect((task.classes[values[1]] == "capitalised") == word.first!.isUppercase)
            #expect(task.classes[values[2]] == "letter \(word.first!.lowercased())")
        }
    }
}
