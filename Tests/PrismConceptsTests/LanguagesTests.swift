import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct LanguagesTests {
    static let sentences = [
        ("Catalan", "Aquest és el camí que els nens fan per anar a la platja amb les seves bicicletes."),
        ("Czech", "To je dům, který se nachází na kopci, ale cesta do vesnice není pro auta."),
        ("German", "Der Hund ist nicht mit dem Kind in den Garten gegangen, und die Katze auch nicht."),
        ("English", "This is the house that was built by the river, and it has been empty for years."),
        ("Spanish", "El perro es de la señora que vive en la casa del puerto y no se puede entrar."),
        ("French", "Le chien est dans la maison avec les enfants qui ne sont pas sur la plage."),
        ("Indonesian", "Anjing itu tidak ada di rumah dengan anak yang akan pergi ke pantai untuk bermain."),
        ("Italian", "Il cane è nella casa della signora che non si trova più al mare con gli amici."),
        ("Norwegian", "Hunden er ikke i huset, og den gamle mannen har gått ut for å se etter båten."),
        ("Dutch", "De hond is niet in het huis met een kind, want hij wordt door de buren naar zee gebracht."),
        ("Polish", "Pies nie jest w domu, który się znajduje na wzgórzu, ale można tam dojść od rzeki."),
        ("Portuguese", "O cão não está em casa com as crianças, mas a senhora do porto não é uma amiga."),
        ("Swedish", "Hunden är inte i huset, och den gamla mannen har gått ut för att se efter båten."),
        ("Turkish", "Bu ev çok eski ve bir daha kimse için değil, ne kadar güzel olduğu da bilinir."),
        ("Vietnamese", "Những con chó không có trong nhà với người bạn đã đi ra biển."),
        ("Finnish", "Koira ei ole talossa, mutta lapset ovat rannalla ja se on myös hyvä."),
        ("Hungarian", "A kutya nem van a házban, és az öreg ember is csak egy csónakot kell hogy lásson."),
        ("Russian", "Собака не была в доме, но дети вышли к реке, чтобы увидеть, как это было."),
        ("Ukrainian", "Собака не в хаті, але діти вийшли до річки, щоб її можна було бачити."),
        ("Serbian", "Пас није у кући, али су деца отишла на реку да би га видела из чамца."),
        ("Greek", "Ο σκύλος δεν είναι στο σπίτι με τα παιδιά."), ("Hebrew", "הכלב לא נמצא בבית עם הילדים של השכנה."),
        ("Arabic", "الكلب ليس في البيت مع الأطفال الذي كان على الشاطئ."),
        ("Persian", "سگ در خانه با بچه‌ها نیست و آن را می‌توان دید که چه می‌کند."),
        ("Hindi", "कुत्ता घर में बच्चों के साथ नहीं है।"), ("Korean", "개는 아이들과 함께 집에 있지 않습니다."),
        ("Japanese", "犬は子供と一緒に家にいません。海へ行きました。"), ("Chinese (simplified)", "这个孩子没有说过他们的狗在家里。"),
        ("Chinese (traditional)", "這個孩子沒有說過他們的狗在家裡。"),
    ]

    /// The end of a sentence is known, what is known is right, and no token has two languages.
    @Test(arguments: sentences.indices) func knowsASentence(_ index: Int) throws {
        let (language, text) = Self.sentences[index]
        let labels = try Labelled(text).kinds("language")
        #expect(labels.last == [language], "\(labels.last ?? [])")
        #expect(labels.allSatisfy { $0.isEmpty || $0 == [language] }, "\(Set(labels.flatMap { $0 }))")
        // A first word of letters that most languages have says too little.
        if text.prefix(while: { $0 != " " }).allSatisfy(\.isASCII) { #expect(labels[1].isEmpty) }
    }

    @Test func everyLanguageHasItsSentence() {
        #expect(Self.sentences.map(\.0) == Languages.all.map(\.name))
    }

    /// Another language is seen some words after it begins; names and code are in none.
    @Test func followsTheText() throws {
        let (german, english) = (Self.sentences[2].1, Self.sentences[3].1)
        let labels = try Labelled("\(english) \(english) \(german) \(german)").kinds("language")
        #expect(labels.dropFirst().contains(["English"]) && labels.last == ["German"])
        for text in [
            "x = f(a, b); y = g(x[i], y_of_z) // 12", "Kowalski Johnson Ferreira Lindqvist Moreau Rossi",
            "12.50 / 3 = 4",
            "i i i i i a a a a o o o y y y", "on_the_way of2the3and",
        ] {
            #expect(try Labelled(text).kinds("language").allSatisfy(\.isEmpty), "\(text)")
        }
    }
}
